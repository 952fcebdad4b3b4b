/* The reader of vswitch-init's plans: what it accepts, and that it believes no length (S36). */
#include "check.h"

#include <errno.h>

#include "../../containers/init/plan.c"

/* name "s", one argument of each kind: n 258, s "xy", l {"a", ""}, b 00 01 02 */
static const uint8_t WHOLE[] = "vsplan1\n"
                               "\1\0"
                               "\1\0s\0"
                               "\4"
                               "n\2\1\0\0\0\0\0\0"
                               "s\2\0xy\0"
                               "l\2\0"
                               "\1\0a\0"
                               "\0\0\0"
                               "b\3\0\0\1\2";
enum { WHOLE_SIZE = sizeof WHOLE - 1 };

static void free_plan(struct plan *plan)
{
    for (unsigned i = 0; plan->step && i < plan->n_steps; i++)
        for (unsigned j = 0; j < PLAN_MAX_ARGS; j++)
            free(plan->step[i].arg[j].list);
    free(plan->step);
}

/* Decode a copy that ends where its allocation ends, so that the sanitizer sees a byte too far. */
static int decode(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    struct plan plan = {0};
    memcpy(copy, bytes, size);
    int result = plan_decode(&plan, copy, size);
    free_plan(&plan);
    free(copy);
    return result;
}

static void a_whole_plan_is_read(void)
{
    uint8_t bytes[WHOLE_SIZE];
    struct plan plan = {0};
    memcpy(bytes, WHOLE, sizeof bytes);
    CHECK_EQ(plan_decode(&plan, bytes, sizeof bytes), 0);
    CHECK_EQ(plan.n_steps, 1);
    const struct step *step = &plan.step[0];
    CHECK(strcmp(step->name, "s") == 0);
    CHECK(step_has_kinds(step, "nslb"));
    CHECK_EQ(step->arg[0].number, 258);
    CHECK(strcmp(step->arg[1].text, "xy") == 0);
    CHECK_EQ(step->arg[2].number, 2);
    CHECK(strcmp(step->arg[2].list[0], "a") == 0);
    CHECK(strcmp(step->arg[2].list[1], "") == 0);
    CHECK(step->arg[2].list[2] == NULL);
    CHECK_EQ(step->arg[3].number, 3);
    CHECK(memcmp(step->arg[3].text, "\0\1\2", 3) == 0);
    free_plan(&plan);
}

static void kinds_and_their_number_are_checked(void)
{
    struct step step = {.name = "mount", .n_args = 2, .arg = {{.kind = 's'}, {.kind = 'n'}}};
    CHECK(step_has_kinds(&step, "sn"));
    CHECK(!step_has_kinds(&step, "s"));
    CHECK(!step_has_kinds(&step, "snn"));
    CHECK(!step_has_kinds(&step, "ns"));
    CHECK(!step_has_kinds(&step, ""));
}

static void no_cut_plan_and_no_longer_one_is_accepted(void)
{
    uint8_t longer[WHOLE_SIZE + 1] = {0};
    for (size_t size = 0; size < WHOLE_SIZE; size++)
        CHECK_EQ(decode(WHOLE, size), -EBADMSG);
    memcpy(longer, WHOLE, WHOLE_SIZE);
    CHECK_EQ(decode(longer, WHOLE_SIZE), 0);
    CHECK_EQ(decode(longer, sizeof longer), -EBADMSG);
}

static void no_byte_can_be_changed_into_a_crash(void)
{
    uint8_t bytes[WHOLE_SIZE];
    for (size_t at = 0; at < WHOLE_SIZE; at++)
        for (unsigned value = 0; value < 256; value++) {
            memcpy(bytes, WHOLE, sizeof bytes);
            bytes[at] = (uint8_t)value;
            int result = decode(bytes, sizeof bytes);
            CHECK(result == 0 || result == -EBADMSG);
        }
}

static void text_ends_in_nul_and_holds_no_other(void)
{
    static const uint8_t inner[] = "vsplan1\n\1\0\1\0s\0\1s\2\0x\0\0";
    static const uint8_t no_end[] = "vsplan1\n\1\0\1\0s\0\1s\1\0xy";
    CHECK_EQ(decode(inner, sizeof inner - 1), -EBADMSG);
    CHECK_EQ(decode(no_end, sizeof no_end - 1), -EBADMSG);
}

static void too_many_steps_or_arguments_are_refused(void)
{
    static const uint8_t steps[] = "vsplan1\n\1\1";
    static const uint8_t arguments[] = "vsplan1\n\1\0\1\0s\0\11";
    CHECK_EQ(decode(steps, sizeof steps - 1), -EBADMSG);
    CHECK_EQ(decode(arguments, sizeof arguments - 1), -EBADMSG);
}

int main(void)
{
    a_whole_plan_is_read();
    kinds_and_their_number_are_checked();
    no_cut_plan_and_no_longer_one_is_accepted();
    no_byte_can_be_changed_into_a_crash();
    text_ends_in_nul_and_holds_no_other();
    too_many_steps_or_arguments_are_refused();
    return checks_end();
}
