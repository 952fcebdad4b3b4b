/* See change.h. */
#include "tables/change.h"

#include "base/check.h"

/* ---- what it is made of ---- */

void change_add(struct bridge *b, struct rule *r)
{
    struct flow_table *t = &b->tables[r->table];
    r->entry.born = world_next(b->world);
    atomic_init(&r->entry.died, CLS_NEVER);
    classifier_insert(t->classifier, &r->entry);
    t->dirty = true;
    table_link(b, r);
    r->next_changed = b->added;
    r->back_changed = &b->added;
    if (b->added)
        b->added->back_changed = &r->next_changed;
    b->added = r;
}

void change_undo(struct bridge *b, struct rule *r)
{
    *r->back_changed = r->next_changed;
    if (r->next_changed)
        r->next_changed->back_changed = r->back_changed;
    classifier_remove(b->tables[r->table].classifier, &r->entry);
    table_unlink(b, r);
}

bool change_is_new(const struct bridge *b, const struct rule *r) { return r->entry.born == world_next(b->world); }

void change_remove(struct bridge *b, struct rule *r, enum of_removed reason, bool silent)
{
    table_unlink(b, r);
    atomic_store_explicit(&r->entry.died, world_next(b->world), memory_order_relaxed);
    r->removed_by = (uint8_t)reason;
    r->silent = silent;
    r->next_changed = NULL;
    *b->removed_end = r;
    b->removed_end = &r->next_changed;
}

/* The heir counts on in the slot of the rule it replaces.  The slot itself changes hands at the commit,
 * unless the old rule was never seen. */
void change_inherit(struct bridge *b, struct rule *heir, struct rule *old)
{
    if (heir->owns_slot)
        slots_give(&b->world->slots, heir->slot);
    heir->slot = old->slot;
    heir->owns_slot = change_is_new(b, old) && old->owns_slot;
    if (heir->owns_slot)
        old->owns_slot = false;
    heir->base_packets = old->base_packets;
    heir->base_bytes = old->base_bytes;
    heir->seen_packets = old->seen_packets;
}

void change_replace(struct bridge *b, struct rule *old, struct rule *heir)
{
    heir->heir_of = change_is_new(b, old) ? old->heir_of : old;
    if (change_is_new(b, old)) {
        change_undo(b, old);
        rule_free(old);
    } else {
        change_remove(b, old, OFPRR_DELETE, true);
    }
    change_add(b, heir);
}

void bridge_expire(struct bridge *b, struct rule *r, enum of_removed reason)
{
    MUST(!change_is_new(b, r));
    change_remove(b, r, reason, false);
}

/* ---- commit, abort, settle ---- */

static void extend_shape(struct bridge *b)
{
    struct key mask = {0};
    for (const struct rule *r = b->added; r; r = r->next_changed)
        rule_looks(r, &mask);
    bridge_widen_shape(b, &mask);
}

static void take_over_slots(struct bridge *b)
{
    for (struct rule *r = b->added, *next; r; r = next) {
        next = r->next_changed;
        r->next_changed = NULL;
        if (!r->owns_slot) {
            r->owns_slot = true;
            r->heir_of->owns_slot = false;
        }
        r->heir_of = NULL;
    }
    b->added = NULL;
}

static void no_removed(struct bridge *b)
{
    b->removed = NULL;
    b->removed_end = &b->removed;
}

static void remove_selected(struct bridge *b, bool (*selects)(const struct rule *, uint32_t), uint32_t id,
                            enum of_removed reason)
{
    MUST(!b->added);
    for (unsigned i = 0; i < N_TABLES; i++)
        for (struct rule *r = b->tables[i].rules, *next; r; r = next) {
            next = r->next;
            if (selects(r, id))
                change_remove(b, r, reason, false);
        }
}

void bridge_purge(struct bridge *b, bool (*selects)(const struct rule *, uint32_t), uint32_t id, enum of_removed reason)
{
    remove_selected(b, selects, id, reason);
    bridge_commit(b);
    bridge_outlast_deleted(b);
}

void bridge_outlast_deleted(struct bridge *b)
{
    if (!bridge_settled(b))
        epoch_wait(&b->world->epoch, b->world->epoch.version);
}

void bridge_commit(struct bridge *b)
{
    if (!b->added && !b->removed)
        return;
    extend_shape(b);
    tables_publish(b);
    take_over_slots(b);
    if (b->removed) {
        b->removed->gone_epoch = epoch_next(&b->world->epoch);
        *b->dying_end = b->removed;
        b->dying_end = b->removed_end;
    }
    no_removed(b);
    world_publish(b->world);
}

static struct rule *turned_round(struct rule *first)
{
    struct rule *list = NULL;
    for (struct rule *r = first, *next; r; r = next) {
        next = r->next_changed;
        r->next_changed = list;
        list = r;
    }
    return list;
}

void bridge_abort(struct bridge *b)
{
    while (b->added) {
        struct rule *r = b->added;
        change_undo(b, r);
        rule_free(r);
    }
    for (struct rule *r = turned_round(b->removed); r; r = r->next_changed) { /* back in front, in the order they had */
        atomic_store_explicit(&r->entry.died, CLS_NEVER, memory_order_relaxed);
        table_link(b, r);
    }
    no_removed(b);
}

enum { CHAIN = 64 }; /* rules that are retired together, linked by 'next_changed' */

static void release_chain(void *first)
{
    for (struct rule *r = first, *next; r; r = next) {
        next = r->next_changed;
        rule_free(r);
    }
}

void bridge_settle(struct bridge *b, void (*removed)(void *, struct bridge *, const struct rule *), void *arg)
{
    struct rule *chain = NULL;
    unsigned n = 0;
    while (b->dying && epoch_passed(&b->world->epoch, b->dying->gone_epoch)) {
        struct rule *r = b->dying;
        b->dying = r->next_changed;
        if (!b->dying)
            b->dying_end = &b->dying;
        if (!r->silent)
            removed(arg, b, r);
        classifier_remove(b->tables[r->table].classifier, &r->entry);
        b->tables[r->table].dirty = true;
        r->next_changed = n % CHAIN ? chain : NULL;
        if (n && n % CHAIN == 0)
            epoch_retire(&b->world->epoch, release_chain, chain);
        chain = r;
        n++;
    }
    if (!n)
        return;
    epoch_retire(&b->world->epoch, release_chain, chain);
    tables_publish(b);
    epoch_publish(&b->world->epoch);
}
