/* Asserts for our own mistakes: they stay on in release builds and say where. */
#pragma once
#include <stdio.h>
#include <stdlib.h>

#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (__builtin_expect(!(condition), 0)) {                                                                       \
            fprintf(stderr, "%s:%d: %s: not so: %s\n", __FILE__, __LINE__, __func__, #condition);                      \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* Memory for the control side: a failure there is the end of the process (the daemon starts another). */
static inline void *must_calloc(size_t n, size_t size)
{
    void *p = calloc(n, size);
    MUST(p);
    return p;
}
