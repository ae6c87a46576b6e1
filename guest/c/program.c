/* The entry point of a program. Only programs contain this file.
 *
 * Programs are linked as reactors, with this function as their `_start`. With the C library's own `_start`,
 * older linkers wrap every export so that it ends the C library when it returns. But a component's memory is
 * allocated through an export, in the middle of the program's run. */

#include <stdlib.h>

/* From the C library: `main` with its arguments, and the functions that run at the end. */
extern int __main_void(void);
extern void __wasm_call_dtors(void);

__attribute__((export_name("_start"))) void isopod_internal_start(void) {
    int code = __main_void();
    if (code != 0) {
        exit(code);
    }
    /* A return ends the process more cheaply than `exit`. */
    __wasm_call_dtors();
}
