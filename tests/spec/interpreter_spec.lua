-- The interpreter keeps the manners of the stock one: options, arg, environment, exit codes, messages.

local cjac = os.getenv "CJAC" or arg[-1]

local function quote(s) return "'" .. s:gsub("'", "'\\''") .. "'" end

-- Runs cjac with arguments and input: what came out (both streams), and the exit code.
local function run(args, input, environment)
  local feed = input and ("printf %s " .. quote((input:gsub("[\\%%]", "\\%0"))) .. " | ") or "</dev/null "
  local words = {}
  for _, a in ipairs(args) do words[#words + 1] = quote(a) end
  local f = io.popen(feed .. (environment or "") .. " " .. cjac .. " " .. table.concat(words, " ") .. " 2>&1")
  local text = f:read "a"
  local _, _, code = f:close()
  return text, code
end

local function with_script(text, body)
  local name = os.tmpname()
  local f = assert(io.open(name, "w"))
  f:write(text)
  f:close()
  local good, message = pcall(body, name)
  os.remove(name)
  assert(good, message)
end

describe("options", function()
  it("-v prints the versions", function()
    local text, code = run {"-v"}
    assert.truthy(text:find "^cjac 0%.1%.0 %(Lua 5%.4%.%d+%)\n$")
    assert.equal(0, code)
  end)
  it("-e runs in order", function() assert.equal("1\n2\n", (run {"-e", "print(1)", "-eprint(2)"})) end)
  it("-l requires into a global", function()
    assert.equal("true\n", (run {"-l", "cj=cjac", "-e", "print(cj == require 'cjac')"}))
    assert.equal("table\n", (run {"-lcjac", "-e", "print(type(cjac))"}))
    local text, code = run {"-l", "nosuchmodule"}
    assert.truthy(text:find "module 'nosuchmodule' not found")
    assert.equal(1, code)
  end)
  it("-W turns warnings on", function()
    assert.equal("Lua warning: w\n", (run {"-W", "-e", "warn 'w'"}))
    assert.equal("", (run {"-e", "warn 'w'"}))
    assert.equal("Lua warning: ab\nLua warning: d\n",
                 (run {"-e", "warn '@on' warn('a', 'b') warn '@off' warn 'c' warn '@on' warn '@other' warn 'd'"}))
  end)
  it("-E ignores the environment", function()
    assert.equal("init\n1\n", (run({"-e", "print(1)"}, nil, "LUA_INIT='print [[init]]'")))
    assert.equal("1\n", (run({"-E", "-e", "print(1)"}, nil, "LUA_INIT='print [[init]]'")))
  end)
  it("LUA_INIT_5_4 wins over LUA_INIT", function()
    assert.equal("b\n1\n", (run({"-e", "print(1)"}, nil, "LUA_INIT='print [[a]]' LUA_INIT_5_4='print [[b]]'")))
  end)
  it("bad ones explain themselves", function()
    for _, args in ipairs {{"-x"}, {"-e"}, {"-l"}, {"--help"}, {"-vx"}} do
      local text, code = run(args)
      assert.truthy(text:find "usage: ")
      assert.equal(1, code)
    end
  end)
end)

describe("scripts", function()
  it("get arg and varargs", function()
    with_script("print(#arg, arg[0] == ..., arg[1], arg[2], arg[-1], select('#', ...), (select(2, ...)))", function(name)
      assert.equal("2\ttrue\t" .. name .. "\tb\t-W\t2\tb\n", (run {"-W", name, name, "b"}))
      assert.equal("1\tfalse\t-x\tnil\t--\t1\tnil\n", (run {"--", name, "-x"}))
    end)
  end)
  it("come from stdin", function()
    assert.equal("in\tp\n", (run({"-", "p"}, "print('in', ...)")))
    assert.equal("in\n", (run({}, "print('in', ...)")))
  end)
  it("end with their exit code", function()
    assert.equal(7, select(2, run {"-e", "os.exit(7)"}))
    assert.equal(0, select(2, run {"-e", "os.exit(true, true)"}))
    assert.equal(1, select(2, run({}, "error 'x'")))
  end)
  it("that fail leave a traceback", function()
    local text = run {"-e", "local function f() error 'boom' end f()"}
    assert.truthy(text:find "cjac: %(command line%):1: boom\nstack traceback:\n")
    assert.truthy(run {"-e", "error {}"}:find "%(error object is a table value%)")
    assert.truthy(run {"-e", "error(setmetatable({}, {__tostring = function() return 'own' end}))"}:find ": own\n$")
    assert.truthy(run {"/no/such/file.lua"}:find "cannot open /no/such/file.lua")
  end)
  it("close what is to be closed", function()
    assert.equal("gc\n", (run {"-e", "setmetatable({}, {__gc = function() print 'gc' end})"}))
  end)
end)

describe("the prompt", function()
  local function prompt(input)
    local text = run({"-i"}, input)
    return (text:gsub("^cjac [^\n]*\n", ""))
  end
  it("prints expressions", function() assert.equal("> 2\n> 1\tnil\n> \n", prompt "1 + 1\n=1, nil\n") end)
  it("has the module as cj", function() assert.equal("> 9.0\n> \n", prompt "(cj.tensor(3) ^ 2):item()\n") end)
  it("goes on over lines", function() assert.equal("> >> >> 1\n> >> 3\n> \n", prompt "for i = 1, 1 do\nprint(i)\nend\n1 +\n2\n") end)
  it("survives errors", function()
    local text = prompt "error 'a'\nx x\n5\n"
    assert.truthy(text:find "^> stdin:1: a\nstack traceback:")
    assert.truthy(text:find "> 5\n")
  end)
  it("comes after the script with -i", function() assert.truthy(run({"-i", "-e", "y = 3"}, "y\n"):find "> 3\n") end)
end)

describe("the prompt on a terminal", function()
  -- script(1) makes the terminal; its input arrives as if it were typed once the prompt is there, then Ctrl-D until the
  -- interpreter has heard it: between two prompts a terminal takes it for something else
  local function type_in(keys)
    local history, screen = os.tmpname(), os.tmpname()
    local shows = ("grep -q '%%s' %s"):format(screen)
    local typing = ("for i in $(seq 600); do %s && break; sleep 0.05; done; printf %s; "
      .. "until %s; do sleep 0.1; printf '\\004'; done"):format(
      shows:format "> ", quote((keys:gsub("[\\%%]", "\\%0"))), shows:format "all-over")
    local command = ("{ %s; } | TERM=xterm CJAC_HISTORY=%s timeout 100 script -qefc %s %s"):format(
      typing, history, quote(quote(cjac) .. "; printf all-; echo over"), screen)
    local f = io.popen(command .. " 2>&1")
    local text = f:read "a"
    f:close()
    os.remove(screen)
    local h = assert(io.open(history))
    local kept = h:read "a"
    h:close()
    os.remove(history)
    return text, kept
  end
  it("edits, prints and keeps history", function()
    local text, kept = type_in "6 * 7\r"
    assert.truthy(text:find "42\r?\n")
    assert.truthy(kept:find "6\\040%*\\0407")
  end)
  it("completes names", function() assert.truthy(type_in "string.rever\t('zyx')\r":find "xyz\r?\n") end)
  it("gives up a line at Ctrl-C", function()
    local text = type_in "garbage(\3'go' .. 'od'\r"
    assert.truthy(text:find "good\r?\n")
  end)
end)

describe("Ctrl-C", function()
  -- a background job of a shell ignores SIGINT until the interpreter handles it itself, which it does when it says so
  local function interrupt(chunk)
    local screen = os.tmpname()
    local command = "%s -e %s >%s 2>&1 & p=$!; for i in $(seq 600); do grep -q ready %s && break; sleep 0.05; done; "
      .. "kill -INT $p; wait $p; echo code $?; cat %s"
    chunk = "print 'ready' io.stdout:flush() " .. chunk
    local f = io.popen(command:format(cjac, quote(chunk), screen, screen, screen))
    local text = f:read "a"
    f:close()
    os.remove(screen)
    return text
  end
  it("stops Lua", function()
    local text = interrupt "while true do end"
    assert.truthy(text:find "interrupted!")
    assert.truthy(text:find "code 1\n")
  end)
end)
