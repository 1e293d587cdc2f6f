/* line.h -- lines from a person: editing, history and completion on a terminal, plain reading elsewhere. */
#ifndef cjac_line_h
#define cjac_line_h

#include <lua.h>

typedef enum cjac_input { CJAC_LINE, CJAC_END, CJAC_CANCELLED } cjac_input;

typedef struct cjac_line cjac_line;

/* Pushes a userdata that owns the reader and returns it.  History is kept in $CJAC_HISTORY or
** ~/.cjac_history; an empty CJAC_HISTORY keeps none. */
cjac_line *cjac_line_new(lua_State *L);

/* CJAC_LINE: pushes the line, without its end.  CJAC_CANCELLED: Ctrl-C. */
cjac_input cjac_line_read(cjac_line *r, lua_State *L, const char *prompt);

#endif
