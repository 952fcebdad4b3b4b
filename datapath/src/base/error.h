/* Control-side errors: 0 or -errno, and a sentence for the operator. */
#pragma once
#include "vswitch.h"

/* Fills 'error' (may be NULL) and returns 'code' (-errno), so that callers can say
 * `return error_set(error, -EINVAL, "what: why; what to do")`. */
int error_set(vs_error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
