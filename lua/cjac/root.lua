-- Implicit differentiation of a root.

return function(cj)
  local function check(f, i, name)
    if type(f) == "function" then return end
    error(("cj.custom_root: argument %d (%s): expected a function, got %s"):format(i, name, type(f)), 3)
  end

  -- cj.custom_root(residual, solver): a function of ... whose value is x = solver(...), where residual(x, ...) = 0.
  -- By the implicit function theorem dx = -(dr/dx)^-1 r(d...).  The x in it is the result of the call, whose
  -- derivative is this again, so all orders of derivatives are right.
  function cj.custom_root(residual, solver)
    check(residual, 1, "residual")
    check(solver, 2, "solver")
    local function jvp(primals, tangents, x)
      local n, moving, directions = 0, {}, {}
      for i in pairs(primals) do n = math.max(n, i) end
      for i = 1, n do
        if tangents[i] ~= nil then
          moving[#moving + 1], directions[#directions + 1] = primals[i], tangents[i]
        end
      end
      local function at_arguments(...)
        local args, k = {}, 0
        for i = 1, n do
          args[i] = primals[i]
          if tangents[i] ~= nil then
            k = k + 1
            args[i] = (select(k, ...))
          end
        end
        return residual(x, table.unpack(args, 1, n))
      end
      local size = x:numel()
      local J = cj.jacobian(function(z) return residual(z, table.unpack(primals, 1, n)) end, x)
      local _, r = cj.jvp(at_arguments, moving, directions)
      return -cj.linalg.solve(J:reshape(size, size), r:reshape(size, 1)):reshape(x.shape)
    end
    return cj.custom(solver, {jvp = jvp, name = "cj.custom_root"})
  end
end
