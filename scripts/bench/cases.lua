-- cases.lua -- what is measured: files of cases/, each a function that gives a list of cases
--   {name, ways = function() -> ways[, expected results], or nil and why not, rows = comparisons (report.lua),
--    peer = the name by which other programs know it, compare = function(results) -> those they give, tolerance}
return {"arm", "chain", "cholesky", "elementwise", "mlp", "burgers", "seed", "gmm", "ba", "lstm", "ode", "colours"}
