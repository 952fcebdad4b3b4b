/* See spoken.h. */
#include "ofp/spoken.h"

const struct of_version *of_spoken(uint8_t number)
{
    static const struct of_version *const versions[] = {&openflow_13};
    for (unsigned i = 0; i < sizeof versions / sizeof versions[0]; i++)
        if (versions[i]->number == number)
            return versions[i];
    return NULL;
}
