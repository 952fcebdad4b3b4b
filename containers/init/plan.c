/*
 * Decoding a plan: one cursor that can't pass the end, and one small reader for each kind of
 * argument. The plan comes from our own runner, yet lengths are checked as if it did not (S36).
 */
#include "plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char MAGIC[8] = {'v', 's', 'p', 'l', 'a', 'n', '1', '\n'};

struct cursor {
    uint8_t *at, *end;
    int bad;
};

static uint8_t *take(struct cursor *c, size_t size)
{
    if (c->bad || (size_t)(c->end - c->at) < size) {
        c->bad = 1;
        return NULL;
    }
    uint8_t *taken = c->at;
    c->at += size;
    return taken;
}

static uint64_t take_number(struct cursor *c, unsigned size)
{
    const uint8_t *bytes = take(c, size);
    uint64_t value = 0;
    for (unsigned i = 0; bytes && i < size; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

static char *take_text(struct cursor *c)
{
    size_t length = (size_t)take_number(c, 2);
    char *text = (char *)take(c, length + 1);
    if (text && (text[length] != '\0' || strlen(text) != length))
        c->bad = 1;
    return c->bad ? NULL : text;
}

static void read_number(struct cursor *c, struct arg *arg) { arg->number = take_number(c, 8); }

static void read_text(struct cursor *c, struct arg *arg) { arg->text = take_text(c); }

static void read_bytes(struct cursor *c, struct arg *arg)
{
    arg->number = take_number(c, 2);
    arg->text = (const char *)take(c, (size_t)arg->number);
}

static void read_list(struct cursor *c, struct arg *arg)
{
    arg->number = take_number(c, 2);
    arg->list = calloc(arg->number + 1, sizeof *arg->list);
    if (!arg->list)
        c->bad = 1;
    for (uint64_t i = 0; !c->bad && i < arg->number; i++)
        arg->list[i] = take_text(c);
}

static const struct {
    char kind;
    void (*read)(struct cursor *, struct arg *);
} READERS[] = {{'n', read_number}, {'s', read_text}, {'b', read_bytes}, {'l', read_list}};

static void read_arg(struct cursor *c, struct arg *arg)
{
    arg->kind = (char)take_number(c, 1);
    for (unsigned i = 0; i < sizeof READERS / sizeof *READERS; i++)
        if (READERS[i].kind == arg->kind) {
            READERS[i].read(c, arg);
            return;
        }
    c->bad = 1;
}

static void read_step(struct cursor *c, struct step *step)
{
    step->name = take_text(c);
    step->n_args = (unsigned)take_number(c, 1);
    if (step->n_args > PLAN_MAX_ARGS)
        c->bad = 1;
    for (unsigned i = 0; !c->bad && i < step->n_args; i++)
        read_arg(c, &step->arg[i]);
}

int plan_decode(struct plan *plan, uint8_t *bytes, size_t size)
{
    struct cursor c = {.at = bytes, .end = bytes + size};
    const uint8_t *magic = take(&c, sizeof MAGIC);
    if (!magic || memcmp(magic, MAGIC, sizeof MAGIC) != 0)
        return -EBADMSG;
    plan->n_steps = (unsigned)take_number(&c, 2);
    if (c.bad || plan->n_steps > PLAN_MAX_STEPS)
        return -EBADMSG;
    plan->step = calloc(plan->n_steps + 1, sizeof *plan->step);
    if (!plan->step)
        return -ENOMEM;
    for (unsigned i = 0; !c.bad && i < plan->n_steps; i++)
        read_step(&c, &plan->step[i]);
    return c.bad || c.at != c.end ? -EBADMSG : 0;
}

int plan_read(struct plan *plan, int fd)
{
    struct stat about;
    if (fstat(fd, &about) < 0)
        return -errno;
    if (about.st_size <= 0 || about.st_size > PLAN_MAX_BYTES)
        return -EBADMSG;
    size_t size = (size_t)about.st_size;
    uint8_t *bytes = malloc(size);
    if (!bytes)
        return -ENOMEM;
    if (pread(fd, bytes, size, 0) != (ssize_t)size)
        return -EBADMSG;
    return plan_decode(plan, bytes, size);
}

int step_has_kinds(const struct step *step, const char *kinds)
{
    if (strlen(kinds) != step->n_args)
        return 0;
    for (unsigned i = 0; i < step->n_args; i++)
        if (step->arg[i].kind != kinds[i])
            return 0;
    return 1;
}
