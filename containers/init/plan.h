/*
 * A plan is a flat list of steps, read from an fd as bytes (the format is written down in
 * containers/encode.py, its only writer). Reading it checks every length once; after that a step
 * is a name and arguments whose kinds the step's table entry has checked, so handlers just use them.
 * The plan's memory is never freed: the process execs or exits.
 */
#pragma once

#include <stdint.h>
#include <stddef.h>

struct arg {
    char kind;        /* 'n' number, 's' text, 'b' bytes, 'l' list of texts */
    uint64_t number;  /* 'n'; for 'b' and 'l' how many */
    const char *text; /* 's': ends in NUL, holds no other; 'b': not aligned */
    char **list;      /* 'l': ends in NULL, as execve wants it */
};

enum { PLAN_MAX_ARGS = 8, PLAN_MAX_STEPS = 256, PLAN_MAX_BYTES = 1 << 20 };

struct step {
    const char *name;
    unsigned n_args;
    struct arg arg[PLAN_MAX_ARGS];
};

struct plan {
    unsigned n_steps;
    struct step *step;
};

/* Decode `size` bytes. 0, or -EBADMSG (not a plan), -ENOMEM. Strings point into `bytes`. */
int plan_decode(struct plan *plan, uint8_t *bytes, size_t size);

/* Read the whole of `fd` and decode it. 0 or -errno. */
int plan_read(struct plan *plan, int fd);

/* Do the arguments have these kinds, one letter each ("ssn")? */
int step_has_kinds(const struct step *step, const char *kinds);
