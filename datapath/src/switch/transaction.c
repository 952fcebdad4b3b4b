/* See transaction.h. */
#include "switch/transaction.h"

#include <errno.h>

#include "base/check.h"
#include "base/error.h"

struct transaction {
    struct transaction *next;
    uint32_t bridge, session, number;
    bool refused; /* a part of it could not be kept: so can't the rest */
    struct bytes messages;
};

/* Where the transaction is linked that the frame belongs to, or where the list ends. */
static struct transaction **find(struct vs_switch *sw, const vs_frame *frame, uint32_t number)
{
    struct transaction **at = &sw->transactions;
    for (; *at; at = &(*at)->next)
        if ((*at)->bridge == frame->bridge && (*at)->session == frame->session && (*at)->number == number)
            break;
    return at;
}

static void empty(struct vs_switch *sw, struct transaction *t)
{
    sw->transaction_bytes -= t->messages.size;
    bytes_free(&t->messages);
}

static void end(struct vs_switch *sw, struct transaction **at)
{
    struct transaction *t = *at;
    *at = t->next;
    empty(sw, t);
    sw->n_transactions--;
    free(t);
}

void transactions_forget(struct vs_switch *sw, uint32_t bridge, uint32_t session)
{
    for (struct transaction **at = &sw->transactions; *at;)
        if ((!bridge || (*at)->bridge == bridge) && (!session || (*at)->session == session))
            end(sw, at);
        else
            at = &(*at)->next;
}

void vs_switch_orphaned(vs_switch *sw) { transactions_forget(sw, 0, 0); }

static int begin(struct vs_switch *sw, const vs_frame *frame, uint32_t number, struct transaction **at, vs_error *error)
{
    if (*at)
        return error_set(error, -EEXIST,
                         "transaction %u: the session has one of that number already; commit or abort it first",
                         number);
    if (sw->n_transactions == VS_TRANSACTIONS_OPEN)
        return error_set(error, -ENOSPC, "transaction %u: %d are open already, the most; commit or abort some", number,
                         VS_TRANSACTIONS_OPEN);
    struct transaction *t = must_calloc(1, sizeof *t);
    *t = (struct transaction){.bridge = frame->bridge, .session = frame->session, .number = number};
    *at = t;
    sw->n_transactions++;
    return 0;
}

static int keep(struct vs_switch *sw, struct transaction *t, const uint8_t *messages, size_t size, vs_error *error)
{
    if (!t->refused && size <= VS_TRANSACTIONS_MOST - sw->transaction_bytes) {
        bytes_put(&t->messages, messages, size);
        sw->transaction_bytes += size;
        return 0;
    }
    t->refused = true;
    empty(sw, t);
    return error_set(error, -ENOSPC,
                     "transaction %u: open transactions keep at most %d bytes; nothing was changed, use smaller ones",
                     t->number, VS_TRANSACTIONS_MOST);
}

int transaction_frame(struct vs_switch *sw, struct bridge *b, const vs_frame *frame, const uint8_t *payload,
                      size_t size, uint64_t now_ns, vs_error *error)
{
    vs_transaction head;
    memcpy(&head, payload, sizeof head);
    struct transaction **at = find(sw, frame, head.number);
    int code = 0;
    if (head.steps & VS_TRANSACTION_BEGIN)
        code = begin(sw, frame, head.number, at, error);
    else if (!*at)
        code = error_set(error, -ENOENT, "transaction %u has not begun, or its session has ended since; begin it",
                         head.number);
    if (code)
        return code;
    if (!(head.steps & VS_TRANSACTION_ABORT))
        code = keep(sw, *at, payload + sizeof head, size - sizeof head, error);
    if (!code && head.steps & VS_TRANSACTION_COMMIT)
        code = switch_atomic(sw, b, frame, (*at)->messages.data, (*at)->messages.size, now_ns, error);
    if (head.steps & (VS_TRANSACTION_COMMIT | VS_TRANSACTION_ABORT))
        end(sw, at);
    return code;
}
