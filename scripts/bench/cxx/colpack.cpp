/*
** colpack.cpp -- colours of a sparse Jacobian by ColPack: columns, partial distance 2.
**   x: rowptr[rows + 1], col[nnz] (from 0)    y: number of colours (float64)    n: rows, cols, order
*/
#include "reference.h"

#include <ColPackHeaders.h>

#include <vector>

BENCH(colpack) {
  const int64_t *rowptr = static_cast<const int64_t *>(x[0]), *col = static_cast<const int64_t *>(x[1]);
  int rows = int(n[0]), cols = int(n[1]);
  std::vector<std::vector<unsigned>> lists(rows);
  std::vector<unsigned *> pattern(rows);
  for (int i = 0; i < rows; i++) { /* a row begins with its length */
    lists[i].push_back(unsigned(rowptr[i + 1] - rowptr[i]));
    for (int64_t k = rowptr[i]; k < rowptr[i + 1]; k++) lists[i].push_back(unsigned(col[k]));
    pattern[i] = lists[i].data();
  }
  ColPack::BipartiteGraphPartialColoringInterface graph(SRC_MEM_ADOLC, pattern.data(), rows, cols);
  static const char *const orders[] = {"SMALLEST_LAST", "LARGEST_FIRST", "INCIDENCE_DEGREE"};
  graph.PartialDistanceTwoColoring(orders[n[2]], "COLUMN_PARTIAL_DISTANCE_TWO");
  static_cast<double *>(y[0])[0] = graph.GetVertexColorCount();
}
