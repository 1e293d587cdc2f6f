/*
** tree.h -- nested tables of tensors, and the flat lists that the core wants.
**
** The structure of a value is the handle itself if it is one; else a table {key, structure, key, structure, ...}
** with the array part first and then the names in alphabetical order, so that the leaves have a fixed order and
** what a script does to its tables meanwhile does not matter.
*/
#ifndef cjl_tree_h
#define cjl_tree_h

#include "value.h"

/* Pushes the structure of the value at idx.  what: "argument 2 (inputs)", for messages. */
void cjl_structure(lua_State *L, cjl_state *S, int idx, const char *who, const char *what);
/* The same for n values from idx on, as if they stood in a table. */
void cjl_structures(lua_State *L, cjl_state *S, int idx, int n, const char *who, const char *what);
int cjl_leaves(lua_State *L, int structure);
/* Writes the values of the leaves to out, and gives where it ended; makes no Lua objects. */
cj_val *cjl_values(lua_State *L, int structure, cj_val *out);
/* Pushes a value of that structure; leaf pushes what comes in the place of the handle on top. */
typedef void (*cjl_leaf)(lua_State *L, void *ud);
void cjl_build(lua_State *L, int structure, cjl_leaf leaf, void *ud);
/* The same, but of a list its entries are pushed one by one; how many. */
int cjl_buildlist(lua_State *L, int structure, cjl_leaf leaf, void *ud);
/* Room for n values: few if that is enough, else memory that is pushed (nothing is pushed otherwise). */
enum { CJL_FEW = 16 };
cj_val *cjl_room(lua_State *L, cj_val *few, int n);
#endif
