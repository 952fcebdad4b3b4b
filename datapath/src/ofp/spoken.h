/* The versions of OpenFlow that this switch speaks. */
#pragma once
#include "ofp/version.h"

/* The version of this number in a header, or NULL: not spoken here. */
const struct of_version *of_spoken(uint8_t number);
