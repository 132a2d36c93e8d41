# cmake -DINPUT=schema.sql -DOUTPUT=schema_text.cpp -P embed_text.cmake
# Puts the schema into the program, so that no path is needed when it runs.
file(READ "${INPUT}" text)
file(WRITE "${OUTPUT}.new" "#include \"db/migrations.hpp\"\n\nnamespace cellrig::db {\n\nstd::string_view schema_text() {\n  return R\"sql(${text})sql\";\n}\n\n}  // namespace cellrig::db\n")
file(RENAME "${OUTPUT}.new" "${OUTPUT}")
