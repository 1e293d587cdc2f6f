-- cjac scripts/genops.lua > runtime/include/cjac_ops.h: a typed constructor for every public row of the
-- op table, as static inline functions over cj_apply.

package.path = "./tests/?.lua;" .. package.path
local cj = require "cjac"
local rows = require "support.rows"

-- How an argument of each kind is declared, and what it becomes: an operand or a parameter.
-- absent: the declaration where the argument may be left out and has no default.
local kinds = {
  T = {"cj_val %s", operand = true},
  index = {"cj_val %s", operand = true},
  list = {"const cj_val *%s, int n%s", operands = true},
  indices = {"const cj_val *%s, int n%s", operands = true},
  axis = {"int64_t %s", param = "cj_param_int(%s)", absent = {"const int64_t *%s", "cj_param_ints(%s, %s ? 1 : -1)"}},
  bool = {"bool %s", param = "cj_param_int(%s)"},
  dtype = {"cj_dtype %s", param = "cj_param_int(%s)"},
  num = {"double %s", param = "cj_param_num(%s)", absent = {"const double *%s", "cj_param_maybe(%s)"}},
  str = {"const char *%s", param = "cj_param_str(%s)"},
  ["num|str"] = {"cj_param %s", param = "%s"},
  ints = {"const int64_t *%s, int n%s", param = "cj_param_ints(%s, n%s)", many = true},
}
kinds.int, kinds.pos = kinds.axis, kinds.axis
kinds.axes, kinds.shape, kinds.perm = kinds.ints, kinds.ints, kinds.ints

local function fill(pattern, name) return (pattern:gsub("%%s", name)) end

local function read_sig(sig)
  local args = {}
  for piece in (sig .. ","):gmatch "%s*([^,]+)," do
    local head, default = piece:match "^([^=]*)=?(.*)$"
    local name, kind = head:match "^([%w_]+):?([%w|]*)"
    args[#args + 1] = {
      name = (name == "c" or name == "out" or name == "in") and name .. "_" or name,
      kind = assert(kinds[kind == "" and "T" or kind], "kind " .. kind),
      default = default ~= "" and default or nil,
      absent = head:find "%?$" ~= nil,
      text = piece,
    }
  end
  return args
end

-- Whether the row can give several results: so it does in its examples.
local function several(row)
  if row.list_result then return true end
  for _, example in ipairs(rows.examples(row)) do
    local args = example.make()
    if select("#", row.call(table.unpack(args, 1, args.n))) > 1 then return true end
  end
  return false
end

local function declare(args, many)
  local list = {"cj_ctx *c"}
  for _, a in ipairs(args) do
    list[#list + 1] = fill(a.absent and a.kind.absent and a.kind.absent[1] or a.kind[1], a.name)
  end
  list[#list + 1] = many and "cj_val *out, int cap, int *nout" or "cj_val *out"
  return table.concat(list, ", ")
end

-- Statements that fill p_ with the parameters, and how many these are.
local function parameters(args)
  local lines, n = {}, 0
  for _, a in ipairs(args) do
    local text = a.absent and a.kind.absent and a.kind.absent[2] or a.kind.param
    if text then
      if a.kind.many then lines[#lines + 1] = ("  if (n%s > 2 * CJ_MAXRANK) return CJ_EARG;"):format(a.name) end
      lines[#lines + 1] = ("  p_[%d] = %s;"):format(n, fill(text, a.name))
      n = n + 1
    end
  end
  if n > 0 then table.insert(lines, 1, ("  cj_param p_[%d];"):format(n)) end
  return lines, n
end

-- Statements that gather the operands; the expressions for them and their number.
local function operands(args)
  local single, count, list = {}, 0, nil
  for _, a in ipairs(args) do
    if a.kind.operand then
      count, single[#single + 1] = count + 1, a.name
    elseif a.kind.operands then
      list = a
    end
  end
  if not list then
    if count == 0 then return {}, "NULL", "0" end
    return {("  cj_val in_[%d] = {%s};"):format(count, table.concat(single, ", "))}, "in_", tostring(count)
  end
  if count == 0 then return {}, list.name, "n" .. list.name end
  local lines = {
    ("  cj_val in_[%d + CJ_MAXRANK];"):format(count), "  int n_ = 0;",
    ("  if (n%s > CJ_MAXRANK) return CJ_EARG;"):format(list.name),
  }
  for _, a in ipairs(args) do
    if a.kind.operand then
      lines[#lines + 1] = ("  in_[n_++] = %s;"):format(a.name)
    elseif a.kind.operands then
      lines[#lines + 1] = ("  for (int i_ = 0; i_ < n%s; i_++) in_[n_++] = %s[i_];"):format(a.name, a.name)
    end
  end
  return lines, "in_", "n_"
end

local function comment(row, args)
  local notes = {}
  for _, a in ipairs(args) do
    if a.default then notes[#notes + 1] = a.name .. " usually " .. a.default end
    if a.absent then notes[#notes + 1] = a.name .. " may be absent" end
  end
  local tail = #notes > 0 and " (" .. table.concat(notes, ", ") .. ")" or ""
  return "/* " .. row.doc:gsub("%*/", "* /") .. tail .. " */"
end

local function constructor(row, name)
  local args = read_sig(row.sig)
  local many = several(row)
  local in_lines, in_, nin = operands(args)
  local p_lines, np = parameters(args)
  local lines = {comment(row, args), ("static inline cj_status cj_%s(%s) {"):format(name, declare(args, many))}
  table.move(in_lines, 1, #in_lines, #lines + 1, lines)
  if not many then lines[#lines + 1] = "  int nout_;" end
  table.move(p_lines, 1, #p_lines, #lines + 1, lines)
  lines[#lines + 1] = ("  return cj_apply(c, %d, %s, %s, %s, %d, out, %s);"):format(
    row.op, in_, nin, np > 0 and "p_" or "NULL", np, many and "cap, nout" or "1, &nout_")
  lines[#lines + 1] = "}\n"
  return table.concat(lines, "\n")
end

io.write [[
/*
** cjac_ops.h -- one function for each operation.  Generated from the op table by scripts/genops.lua.
**
** Operands are values (cj_val; kind CJ_NONE for one that is absent), parameters are C's own types: axes
** and positions count from 0, negative ones from the end; an absent list has the length -1, an absent
** number or text is NULL.  Operations with several results write up to cap of them.
*/
/* clang-format off */
#ifndef cjac_ops_h
#define cjac_ops_h

#include "cjac.h"

#ifdef __cplusplus
extern "C" {
#endif

static inline cj_param cj_param_ints(const int64_t *v, int n) {
  cj_param p = {-1, {0}, 0, NULL};
  p.n = n;
  for (int i = 0; i < n && i < 2 * CJ_MAXRANK; i++) p.v[i] = v[i];
  return p;
}
static inline cj_param cj_param_int(int64_t v) { return cj_param_ints(&v, 1); }
static inline cj_param cj_param_num(double v) {
  cj_param p = {1, {0}, v, NULL};
  return p;
}
static inline cj_param cj_param_maybe(const double *v) {
  return v ? cj_param_num(*v) : cj_param_ints(NULL, -1);
}
static inline cj_param cj_param_str(const char *s) {
  cj_param p = {s ? 1 : -1, {0}, 0, s};
  return p;
}

]]
local seen = {}
for _, row in ipairs(cj.ops()) do
  local module = row.module and row.module:match "^[^,]*"
  if module then
    local name = (module == "" and "" or module .. "_") .. row.name
    assert(not seen[name], name)
    seen[name] = true
    io.write(constructor(row, name), "\n")
  end
end
io.write "#ifdef __cplusplus\n}\n#endif\n#endif\n"
