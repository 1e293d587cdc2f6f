-- A generator of whole numbers of its own, the same everywhere: what a program of a test does may not depend on who
-- else draws.  Park, Miller, "Random number generators: good ones are hard to find", CACM 1988.

-- A function n -> a number in 1 .. n.
return function(seed)
  local state = seed % 2147483646 + 1
  for _ = 1, 4 do state = state * 48271 % 2147483647 end
  return function(n)
    state = state * 48271 % 2147483647
    return state % n + 1
  end
end
