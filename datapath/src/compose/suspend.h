/* Where a composition stops until the packet's headers have been read again (stage.h), and where it goes on. */
#pragma once
#include "compose/composition.h"
#include "compose/stage.h"

/* Does nothing that is left depend on what the packet looks like?  Left are the 'n' actions at 'rest' and, of rule
 * 'rule' (NULL: none), whatever comes behind its applied actions. */
bool suspend_needless(const struct composition *, const struct rule *rule, const struct action *rest, unsigned n);
/* The list ends; what is left to do becomes a stage.  A rule's actions stay where they are as long as its version,
 * other lists are copied, but for a packet-out's long one, which stays until the packet is done with. */
void suspend(struct composition *, const struct rule *rule, const struct action *rest, unsigned n);
/* Sets what the composition knew when it stopped, but for the key; what is left of the actions. */
const struct action *suspend_restore(struct composition *, const struct stage *);
