/* The door of a program. Compiled with programs only.
 *
 * Programs are linked as reactors, with this as their `_start`. With the C library's own, older linkers wrap
 * every export into one that ends the C library when it returns: a component's memory is allocated through
 * an export, in the middle of the program's run. */

#include <stdlib.h>

/* Of the C library: `main`, with its arguments; and what is to be done at the end. */
extern int __main_void(void);
extern void __wasm_call_dtors(void);

__attribute__((export_name("_start"))) void isopod_internal_start(void) {
    int code = __main_void();
    if (code != 0) {
        exit(code);
    }
    /* The end of a process by its return is cheaper than by `exit`. */
    __wasm_call_dtors();
}
