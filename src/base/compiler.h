/* SPDX-License-Identifier: ISC */
/* The few compiler extensions that the tree uses, by name, so that nothing else needs #ifdef. */
#pragma once

#define MUST_USE __attribute__((warn_unused_result))
#define NORETURN __attribute__((noreturn))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define FALLTHROUGH __attribute__((fallthrough))

#define countof(array) (sizeof(array) / sizeof((array)[0]))
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
