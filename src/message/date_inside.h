// SPDX-License-Identifier: ISC
/* Shared by the strict and the loose reader of dates. */
#pragma once
#include "message/date.h"
#include "message/inside.h"

enum { DATE_OFFSET_MAX = 23 * 60 + 59 };

struct date_parts {
    int year, month, day, hour, minute, second, offset;
    bool unknown;
};

int64_t date_days(int64_t year, int month, int day);
int date_month(struct str name); /* 1 … 12; 0: none */
bool date_is_day(struct str name);
bool date_number(struct str s, size_t min, size_t max, int *value);
bool date_year(struct str s, int *year);
bool date_zone(struct str s, struct date_parts *d);
struct str date_word(struct lexer *l); /* empty at the end */
bool date_time_of_day(struct lexer *l, struct date_parts *d);
bool date_finish(const struct date_parts *d, struct date *to);
