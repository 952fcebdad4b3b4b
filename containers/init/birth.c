/* How a step says why it fails.  See birth.h. */
#include "birth.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int failed(struct birth *birth, const char *doing, ...)
{
    birth->error = errno;
    va_list args;
    va_start(args, doing);
    vsnprintf(birth->doing, sizeof birth->doing, doing, args);
    va_end(args);
    return -1;
}
