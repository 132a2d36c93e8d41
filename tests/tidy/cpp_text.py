"""Reads C++ well enough to judge its shape: tokens, statements, braces. No preprocessing and no types; where the braces make no
sense to it, it says so (`Shape.unreadable`) instead of guessing on."""

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""
    (?P<comment>//[^\n]*(?:\\\n[^\n]*)*|/\*.*?\*/)
  | (?P<raw>(?:u8|[uUL])?R"(?P<delimiter>[^\s()\\]{0,16})\(.*?\)(?P=delimiter)")
  | (?P<str>(?:u8|[uUL])?"(?:[^"\\\n]|\\.)*")
  | (?P<char>(?:u8|[uUL])?'(?:[^'\\\n]|\\.)*')
  | (?P<pp>^[ \t]*\#(?:\\\n|/\*.*?\*/|(?!//)[^\n])*)
  | (?P<num>\.?\d(?:[eEpP][+-]|'\w|[\w.])*)
  | (?P<id>[A-Za-z_]\w*)
  | (?P<op>::|->|&&|\S)
    """,
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Token:
    kind: str  # str, char, pp, num, id, op
    text: str
    line: int
    at: int


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


class CppText:
    """`tokens` has no comments; `bare` is the text without comments, `code` the one without string contents too. Both keep
    their lines where they were."""

    def __init__(self, text):
        self.tokens = []
        bare, code = [], []
        line, end = 1, 0
        for match in _TOKEN.finditer(text):
            gap = text[end : match.start()]
            line += gap.count("\n")
            kind, word = match.lastgroup, match.group()
            if match.group("raw") is not None:
                kind = "raw"
            is_text = kind in ("raw", "str", "char")
            bare.append(gap + (_blank(word) if kind == "comment" else word))
            code.append(gap + (_blank(word) if is_text or kind == "comment" else word))
            if kind != "comment":
                self.tokens.append(Token("str" if is_text else kind, word, line, match.start()))
            line += word.count("\n")
            end = match.end()
        self.bare = "".join(bare) + text[end:]
        self.code = "".join(code) + text[end:]


@dataclass
class Statement:
    line: int = 0  # of its first token; 0 = none yet
    head: list = field(default_factory=list)  # texts outside of brackets; "()" stands for a group in parentheses
    awaits: int = 0  # lines of what the house rule keeps apart; 0 = not there
    brace: int = 0
    capture: int = 0
    lambdas: int = 0  # whose body has not come yet


@dataclass
class Frame:
    kind: str  # block, init, paren, lambda, bracket
    before: str = ""  # the token in front of it
    outer: Statement = None  # a lambda's body: the statement that goes on behind it
    function: str = ""
    line: int = 0  # of the function's head


@dataclass(frozen=True)
class Function:
    name: str
    line: int
    line_count: int


_CLASS_LIKE = {"namespace", "class", "struct", "union", "enum", "extern", "concept"}
_BEFORE_BLOCK = {"else", "do", "try", "const", "override", "final", "noexcept", "mutable", "constexpr", "requires"}
_NOT_AN_OPERAND = {"return", "co_return", "co_await", "co_yield", "case", "else", "do", "throw", "and", "or", "not"}
_IN_A_TYPE = {"::", "<", ">", ",", "*", "&", "&&"}
_CLOSES = {")": ("paren",), "]": ("lambda", "bracket")}


def _without_template(head):
    """The head of a declaration behind `template <...>`."""
    if not head or head[0] != "template":
        return head
    depth = 0
    for index, text in enumerate(head):
        depth += (text == "<") - (text == ">")
        if text == ">" and depth == 0:
            return _without_template(head[index + 1 :])
    return head


class Shape:
    """One walk over the tokens. `await_faults`: (line, what) for statements that break the co_await house rule."""

    def __init__(self, tokens):
        self.await_faults = []
        self.functions = []
        self.unreadable = 0  # line where the braces stopped making sense; 0 = all is well
        self._tokens = [token for token in tokens if token.kind != "pp"]
        self._frames = [Frame("block")]
        self._statement = Statement()
        self._closed = Frame("block")  # the bracket that was closed last
        for index, token in enumerate(self._tokens):
            self._step(index, token)
            if self.unreadable:
                return
        if len(self._frames) != 1:
            self.unreadable = self._tokens[-1].line

    def _before(self, index):
        return self._tokens[index - 1].text if index > 0 else ""

    def _step(self, index, token):
        text = token.text if token.kind in ("op", "id") else token.kind
        statement = self._statement
        if not statement.line and text not in (";", "}"):
            statement.line = token.line
        if text == "(":
            self._frames.append(Frame("paren", self._before(index)))
        elif text == "[":
            self._open_bracket(index, token)
        elif text in _CLOSES:
            self._close(text, token)
        elif text == "{":
            self._open_brace(index, token)
        elif text == "}":
            self._close_brace(token)
        elif text == ";":
            if self._frames[-1].kind not in ("block", "paren"):
                self.unreadable = token.line
            self._end_statement()
        else:
            if text == "co_await" and not statement.awaits:
                statement.awaits = token.line
            if self._frames[-1].kind == "block":
                statement.head.append(text)

    def _close(self, text, token):
        frame = self._frames.pop()
        if frame.kind not in _CLOSES[text] or not self._frames:
            self.unreadable = token.line
            self._frames.append(frame)
            return
        self._closed = frame
        if frame.kind == "paren" and self._frames[-1].kind == "block":
            self._statement.head.append("()")

    def _open_bracket(self, index, token):
        before = self._tokens[index - 1] if index > 0 else None
        after = self._tokens[index + 1] if index + 1 < len(self._tokens) else None
        is_attribute = (after and after.text == "[" and after.at == token.at + 1) or (before and before.text == "[")
        names = before and before.kind == "id" and before.text not in _NOT_AN_OPERAND  # also auto, operator, delete
        binding = before and before.text in ("&", "&&") and index > 1 and self._tokens[index - 2].text == "auto"
        subscript = before and (before.text in (")", "]") or before.kind == "str")
        if is_attribute or names or binding or subscript:
            self._frames.append(Frame("bracket"))
            return
        self._frames.append(Frame("lambda"))
        self._statement.lambdas += 1
        if after and after.text != "]" and not self._statement.capture:
            self._statement.capture = token.line

    def _open_brace(self, index, token):
        statement = self._statement
        kind = self._brace_kind(index)
        if kind == "init":
            statement.brace = statement.brace or token.line
            self._frames.append(Frame("init"))
        elif kind == "lambda":
            statement.brace = statement.brace or token.line
            statement.lambdas -= 1
            self._frames.append(Frame("block", outer=statement))
            self._statement = Statement()
        else:
            self._frames.append(Frame("block", function=self._function_name(), line=statement.line))
            self._end_statement()

    def _close_brace(self, token):
        frame = self._frames.pop()
        if frame.kind not in ("block", "init") or not self._frames:
            self.unreadable = token.line
            self._frames.append(frame)
            return
        if frame.function:
            self.functions.append(Function(frame.function, frame.line, token.line - frame.line + 1))
        if frame.outer:
            self._end_statement()
            self._statement = frame.outer
        elif frame.kind == "block":
            self._end_statement()
        elif self._frames[-1].kind == "block":
            self._statement.head.append("{}")

    def _end_statement(self):
        statement = self._statement
        if statement.awaits and statement.capture:
            self.await_faults.append((statement.awaits, "a capturing lambda"))
        elif statement.awaits and statement.brace:
            self.await_faults.append((statement.awaits, "a brace"))
        self._statement = Statement()

    def _brace_kind(self, index):
        """block: it ends the statement's head; lambda: a body inside of a statement; init: everything else."""
        before = self._before(index)
        in_block = self._frames[-1].kind == "block"
        head = _without_template(self._statement.head)
        is_body = before in _BEFORE_BLOCK or before == ")" or self._is_trailing_return(index)
        if self._statement.lambdas and (is_body or (before == "]" and self._closed.kind == "lambda")):
            return "lambda"
        if before == ")":
            return "init" if self._closed.before == "decltype" else "block"
        if before in _BEFORE_BLOCK or self._is_trailing_return(index):
            return "block"
        if not in_block:
            return "init"
        if not head or before in (":", "&", "&&", "str") or _CLASS_LIKE.intersection(head[:4]) or "requires" in head:
            return "block"
        if before == "}" and ":" in head:  # a constructor's body behind its initialisers
            return "block"
        return "init"

    def _is_trailing_return(self, index):
        index -= 1
        while index > 0 and (self._tokens[index].kind in ("id", "num") or self._tokens[index].text in _IN_A_TYPE):
            index -= 1
        if index < 1 or self._tokens[index].text != "->":
            return False
        return self._tokens[index - 1].text in (")", "]", "mutable", "noexcept", "const")

    def _function_name(self):
        """Empty for a block that is no function's outermost one."""
        head = _without_template(self._statement.head)
        if "()" not in head or head[0] in _CLASS_LIKE or any(frame.function for frame in self._frames):
            return ""
        name = head[: head.index("()")][-1:]
        if len(head) > 2 and head[head.index("()") - 2 : head.index("()") - 1] == ["::"]:
            name = head[head.index("()") - 3 : head.index("()")]
        return "".join(name) or "a function"
