-- Other names that PyTorch and NumPy have for operations.

local same = {
  absolute = "abs", negative = "neg", positive = "clone", multiply = "mul", subtract = "sub", divide = "div",
  true_divide = "div", clip = "clamp", fix = "trunc", sgn = "sign", arccos = "acos", arcsin = "asin", arctan = "atan",
  arctan2 = "atan2", arccosh = "acosh", arcsinh = "asinh", arctanh = "atanh", greater = "gt", greater_equal = "ge",
  less = "lt", less_equal = "le", not_equal = "ne", moveaxis = "movedim", swapaxes = "transpose",
  swapdims = "transpose", concat = "cat", concatenate = "cat", row_stack = "vstack", mv = "matmul",
  vdot = "dot", ger = "outer",
}

return function(cj, methods)
  for name, of in pairs(same) do
    cj[name] = cj[of]
    if type(methods[of]) == "function" then methods[name] = methods[of] end
  end
end
