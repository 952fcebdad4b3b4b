/* Any bytes as a plan for vswitch-init: refused or read, and what was read can be walked (S36). */
#include <stddef.h>
#include <stdint.h>

#include "../../containers/init/plan.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t walk_list(char **list)
{
    size_t total = 0;
    for (; list && *list; list++)
        total += strlen(*list);
    return total;
}

static size_t walk(const struct plan *plan)
{
    size_t total = 0;
    for (unsigned i = 0; i < plan->n_steps; i++)
        for (unsigned j = 0; j < plan->step[i].n_args; j++) {
            const struct arg *arg = &plan->step[i].arg[j];
            total += arg->text ? strlen(arg->text) : walk_list(arg->list);
        }
    return total;
}

static void free_plan(struct plan *plan)
{
    for (unsigned i = 0; plan->step && i < plan->n_steps; i++)
        for (unsigned j = 0; j < PLAN_MAX_ARGS; j++)
            free(plan->step[i].arg[j].list);
    free(plan->step);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *bytes = malloc(size ? size : 1);
    struct plan plan = {0};
    if (size)
        memcpy(bytes, data, size);
    if (plan_decode(&plan, bytes, size) == 0 && walk(&plan) > size)
        abort();
    free_plan(&plan);
    free(bytes);
    return 0;
}
