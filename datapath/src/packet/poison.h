/* Under AddressSanitizer a buffer that lies in the pool may not be touched: a packet
 * used after its last reference is found at the first byte.  Nothing otherwise. */
#pragma once
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define poison_set(at, n)  ASAN_POISON_MEMORY_REGION(at, n)
#define poison_lift(at, n) ASAN_UNPOISON_MEMORY_REGION(at, n)
#else
#define poison_set(at, n)  ((void)(at), (void)(n))
#define poison_lift(at, n) ((void)(at), (void)(n))
#endif
