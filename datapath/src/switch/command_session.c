/* Commands of OpenFlow sessions: they come and go, bring messages, transactions, packets to trace.  See command.h. */
#include "switch/command.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "ofp/spoken.h"
#include "switch/transaction.h"

static struct session *find_session(const struct vs_switch *sw, uint32_t id)
{
    struct session *s = sw->sessions;
    while (s && s->id != id)
        s = s->next;
    return s;
}

int command_session_set(struct command *c)
{
    vs_session_spec spec;
    memcpy(&spec, c->payload, sizeof spec);
    const struct of_version *version = of_spoken((uint8_t)spec.version);
    if (!c->frame.session)
        return command_fail(c, -EINVAL, "a session needs a number");
    if (!version || spec.version != version->number)
        return error_set(&c->error, -EINVAL,
                         "a session can't speak version %u of OpenFlow's wire; this forwarder speaks %u (1.3)",
                         spec.version, openflow_13.number);
    struct session *s = find_session(c->sw, c->frame.session);
    if (!s) {
        s = must_calloc(1, sizeof *s);
        s->id = c->frame.session;
        s->next = c->sw->sessions;
        c->sw->sessions = s;
    }
    s->bridge = c->bridge->id;
    s->spec = spec;
    s->spoken = version;
    return 0;
}

int command_session_end(struct command *c)
{
    for (struct session **at = &c->sw->sessions; *at; at = &(*at)->next)
        if ((*at)->id == c->frame.session) {
            struct session *s = *at;
            *at = s->next;
            free(s);
            transactions_forget(c->sw, 0, c->frame.session);
            return 0;
        }
    return command_fail(c, -ENOENT, "there is no such session");
}

/* ---- what they bring ---- */

int command_openflow(struct command *c)
{
    switch_openflow(c->sw, c->bridge, &c->frame, c->payload, c->size, c->now_ns);
    return 0;
}

int command_atomic_mods(struct command *c)
{
    return transaction_frame(c->sw, c->bridge, &c->frame, c->payload, c->size, c->now_ns, &c->error);
}

int command_trace(struct command *c)
{
    return switch_trace(c->sw, c->bridge, &c->frame, c->payload, c->size, &c->error);
}
