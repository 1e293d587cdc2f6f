-- What is installed is enough: a C host through pkg-config and through CMake, the module in a stock Lua.

local check = dofile "scripts/check.lua"

local out, good = check.output "mktemp -d"
local tmp = assert(good and out:match "%S+", "no temporary folder")

local function run(what, command, want)
  local text, ok = check.output(command)
  check.case(ok and text:find(want or "", 1, true), "%s:\n%s\n%s", what, command, text)
end

local function write(name, text)
  local f <close> = assert(io.open(tmp .. "/" .. name, "w"))
  f:write(text)
end

write("host.c", [[
#include <cjac.h>
#include <cjac_ops.h>
#include <stdio.h>
int main(void) {
  cj_ctx *c;
  cj_tensor *x;
  double y = 0;
  cj_val a, s;
  cj_type t;
  if (cj_ctx_new(NULL, &c) || cj_type_make(CJ_F64, 0, NULL, &t)) return 1;
  a.kind = CJ_NUM;
  a.u.num = 3;
  if (cj_square(c, a, &s) || cj_val_tensor(c, &s, &x) || cj_tensor_at(x, 0, &y, NULL)) return 2;
  cj_tensor_release(x);
  cj_val_release(&s);
  cj_ctx_release(c);
  printf("host: %g\n", y);
  return 0;
}
]])
write("CMakeLists.txt", [[
cmake_minimum_required(VERSION 3.25)
project(host LANGUAGES C)
find_package(cjac 0.1 REQUIRED)
add_executable(dynamic host.c)
target_link_libraries(dynamic cjac::shared)
add_executable(fixed host.c)
target_link_libraries(fixed cjac::static)
]])

local q = check.quote
run("install", "cmake --install " .. q(check.build) .. " --prefix " .. tmp .. "/usr")
local lib = tmp .. "/usr/lib"
local pc = "PKG_CONFIG_PATH=" .. lib .. "/pkgconfig pkg-config "
run("pkg-config, shared", ("cd %s && gcc -std=c11 -Wall -Wextra -Wpedantic -Werror host.c -o host1 $(%s --cflags --libs cjac) && " ..
    "LD_LIBRARY_PATH=%s ./host1"):format(tmp, pc, lib), "host: 9")
run("pkg-config, static", ("cd %s && gcc host.c -o host2 $(%s --cflags cjac) %s/libcjac.a $(%s --static --libs cjac | sed 's/-lcjac//') && " ..
    "./host2"):format(tmp, pc, lib, pc), "host: 9")
run("CMake package", ("cd %s && cmake -S . -B b -DCMAKE_PREFIX_PATH=%s/usr && cmake --build b && b/dynamic && b/fixed"):format(tmp, tmp),
    "host: 9\nhost: 9")
run("stock Lua", ("lua5.4 -e 'package.cpath = \"%s/lua/5.4/?.so\"' -e 'print((require \"cjac\".tensor(3)^2):item())'"):format(lib), "9.0")
run("interpreter", tmp .. "/usr/bin/cjac -v", "cjac 0.1.0")
os.execute("rm -rf " .. tmp)
check.close "check_install"
