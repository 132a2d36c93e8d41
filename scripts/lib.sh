# Shared by the scripts of this folder: packages, building, messages. Source it; it changes to the root of the tree.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT" || exit 1
JOBS=${JOBS:-$(nproc)}

# All from Debian 12. The first list builds the programs, the second one is for the tests and checks.
PACKAGES_BUILD=(g++ cmake ninja-build ccache mold pkg-config libmodbus-dev libsqlite3-dev libyaml-cpp-dev libcli11-dev libfmt-dev
  libspdlog-dev libssl-dev libgtest-dev libgmock-dev libbenchmark-dev python3
  qt6-base-dev qt6-charts-dev qt6-websockets-dev libqt6opengl6-dev)
PACKAGES_TEST=(clang-format clang-tidy sqlite3 mbpoll python3-yaml python3-pymodbus python3-pyvisa python3-pyvisa-py
  python3-serial python3-serial-asyncio python3-pandas lxi-tools curl git
  xvfb xauth fonts-dejavu-core)
BOOST_PACKAGE=libboost1.81-dev
DEPS=$ROOT/build/deps
NETWORK=(-o Acquire::Retries=3 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30)

say() { printf '[%4d s] %s\n' "$SECONDS" "$*"; }

give_up() { # give_up EXIT_CODE LINE...
  local code=$1
  shift
  printf '%s\n' "$@" >&2
  exit "$code"
}

is_installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

has_boost() { [[ -f $DEPS/.complete-$BOOST_PACKAGE ]] || is_installed "$BOOST_PACKAGE"; }

missing_of() { # prints those of the packages that are not installed; one dpkg-query for all
  local installed
  installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null | sed -n 's/ installed$//p' || true)
  printf '%s\n' "$@" | grep -vxF -f <(printf '%s\n' "$installed" | grep . || echo ' none ') || true
}

as_root() {
  if [[ $(id -u) == 0 ]]; then
    "$@"
  else
    sudo "$@"
  fi
}

can_be_root() {
  [[ $(id -u) == 0 ]] && return 0
  command -v sudo >/dev/null || return 1
  sudo -n true 2>/dev/null || [[ -t 0 ]] # a terminal: sudo may ask for a password
}

apt_install() { as_root env DEBIAN_FRONTEND=noninteractive apt-get "${NETWORK[@]}" -qq -y --no-remove --no-install-recommends install "$@"; }

# Below build/deps where it is in nobody's way: libboost1.81-dev conflicts with an installed 1.74. Header-only use needs no more.
unpack_boost() {
  local folder=$DEPS/archives
  mkdir -p "$folder"
  rm -f "$folder/${BOOST_PACKAGE}"_*.deb
  (cd "$folder" && apt-get "${NETWORK[@]}" -o APT::Sandbox::User=root -qq download "$BOOST_PACKAGE") || return 1
  dpkg -x "$folder/${BOOST_PACKAGE}"_*.deb "$DEPS" || return 1
  touch "$DEPS/.complete-$BOOST_PACKAGE"
}

# Boost is installed where that removes nothing, and unpacked otherwise.
ensure_boost() {
  local plan
  has_boost && return 0
  if can_be_root && plan=$(apt-get -s -qq --no-install-recommends install "$BOOST_PACKAGE" 2>/dev/null) && ! grep -q '^Remv' <<<"$plan"; then
    say "installing $BOOST_PACKAGE"
    apt_install "$BOOST_PACKAGE" >"$ROOT/build/apt.log" 2>&1 && return 0
  fi
  say "unpacking $BOOST_PACKAGE into build/deps: installing it here would remove packages, or needs root"
  unpack_boost && return 0
  give_up 2 "$BOOST_PACKAGE can be neither installed nor downloaded: is the package mirror reachable? Try: apt-get download $BOOST_PACKAGE"
}

# ensure_packages [build|all [PACKAGE...]]: installs what is missing and removes nothing. With nothing missing it touches neither apt nor network.
ensure_packages() {
  local wanted=("${PACKAGES_BUILD[@]}" "${@:2}") missing
  [[ ${1:-all} == build ]] || wanted+=("${PACKAGES_TEST[@]}")
  if ! command -v dpkg-query >/dev/null; then
    give_up 2 "This is no Debian: provide the equivalents of these packages, then use cmake --preset release yourself:" \
      "  ${wanted[*]} $BOOST_PACKAGE"
  fi
  mapfile -t missing < <(missing_of "${wanted[@]}")
  if [[ ${#missing[@]} == 0 ]] && has_boost; then
    return 0
  fi
  if [[ ${#missing[@]} != 0 ]] && ! can_be_root; then
    give_up 2 "Packages are missing, and neither root nor sudo is at hand. Please let somebody run:" \
      "  apt-get install --no-install-recommends ${missing[*]}"
  fi
  mkdir -p "$ROOT/build"
  if can_be_root; then
    say "refreshing the package lists"
    as_root apt-get "${NETWORK[@]}" -qq update >"$ROOT/build/apt.log" 2>&1 || say "apt-get update failed, going on with the lists that are there"
  fi
  if [[ ${#missing[@]} != 0 ]]; then
    say "installing ${missing[*]}"
    apt_install "${missing[@]}" >"$ROOT/build/apt.log" 2>&1 ||
      give_up 2 "$(tail -n 15 "$ROOT/build/apt.log")" "apt-get failed (all of it: build/apt.log); nothing was removed."
  fi
  ensure_boost
  say "packages are complete"
}

# configure_and_build PRESET [TARGET...]
configure_and_build() {
  local preset=$1 log=$ROOT/build/$1/configure.log quiet=()
  shift
  mkdir -p "$ROOT/build/$preset"
  if ! cmake --preset "$preset" >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    say "$preset: configuring failed"
    return 1
  fi
  say "$preset: building ${*:-everything} with $JOBS jobs"
  [[ -t 1 ]] || quiet=(-- --quiet)
  cmake --build --preset "$preset" --parallel "$JOBS" ${1:+--target "$@"} "${quiet[@]}" || {
    say "$preset: the build failed"
    return 1
  }
  say "$preset: built"
}

# ---- several steps, each of which may fail, and a table of them at the end

names=() results=() durations=()
failures=0

# step NAME COMMAND...   runs it, remembers how it ended and how long it took
step() {
  local name=$1 start=$SECONDS result=passed
  shift
  say "== $name"
  "$@" || result=FAILED
  [[ $result == passed ]] || failures=$((failures + 1))
  names+=("$name") results+=("$result") durations+=($((SECONDS - start)))
  say "== $name: $result"
  [[ $result == passed ]]
}

not_run() { # not_run NAME WHY
  names+=("$1") results+=("not run: $2") durations+=(0)
}

report() {
  local i
  printf '\n'
  for i in "${!names[@]}"; do
    printf '%-64s %5d s  %s\n' "${names[i]}" "${durations[i]}" "${results[i]}"
  done
  printf '%-64s %5d s  %s\n' "total" "$SECONDS" "$([[ $failures == 0 ]] && echo passed || echo "$failures FAILED")"
}
