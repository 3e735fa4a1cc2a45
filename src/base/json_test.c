/* SPDX-License-Identifier: ISC */
#include "base/json.h"
#include "base/fail.h"
#include "base/test.h"

TEST(writes)
{
    char storage[500];
    struct buf b;
    struct json_writer w;
    buf_fixed(&b, storage, sizeof storage);
    json_begin(&w, &b);
    json_object(&w, NULL);
    json_str(&w, "a", S("x\"\\\n\t\x01\xff" "é"));
    json_num(&w, "n", INT64_MIN);
    json_array(&w, "list");
    json_num(&w, NULL, 1);
    json_object(&w, NULL);
    json_end(&w);
    json_array(&w, NULL);
    json_bool(&w, NULL, true);
    json_null(&w, NULL);
    json_end(&w);
    json_end(&w);
    json_bool(&w, "b", false);
    json_null(&w, "z");
    json_end(&w);
    CHECK_STR(buf_str(&b), S("{\"a\":\"x\\\"\\\\\\n\\u0009\\u0001\xef\xbf\xbdé\",\"n\":-9223372036854775808,\"list\":[1,{},[true,"
                             "null]],\"b\":false,\"z\":null}"));
    struct arena a;
    arena_init(&a, 10000);
    const struct json *j = json_parse(&a, buf_str(&b));
    CHECK(j && json_get_num(j, "n", 0) == INT64_MIN);
    CHECK_STR(json_get_str(j, "a"), S("x\"\\\n\t\x01\xef\xbf\xbdé"));
    arena_clear(&a);
}

TEST(lines)
{
    char storage[100];
    struct buf b;
    struct json_writer w;
    buf_fixed(&b, storage, sizeof storage);
    json_begin(&w, &b);
    for (int i = 0; i < 2; i++) {
        json_object(&w, NULL);
        json_num(&w, "i", i);
        json_end(&w);
        buf_add_byte(&b, '\n');
    }
    CHECK_STR(buf_str(&b), S("{\"i\":0}\n{\"i\":1}\n"));
}

TEST(reads)
{
    struct arena a;
    arena_init(&a, 10000);
    const struct json *j = json_parse(
        &a, S(" { \"a\" : [ 1 , -0 , \"\" , [ ] , { } ] , "
              "\"b\":{\"c\":null},\"d\":true,\"e\":\"\\u00e9\\ud83d\\ude00\\/\\b\\f\\n\\r\\t\\\"\\\\\\u0000\" } \r\n\t"));
    CHECK(j && j->kind == JSON_OBJECT);
    const struct json *list = json_get(j, "a");
    CHECK(list && list->kind == JSON_ARRAY && list->child->num == 1 && list->child->next->num == 0);
    CHECK(list->child->next->next->kind == JSON_STR && list->child->next->next->str.n == 0);
    CHECK(list->child->next->next->next->kind == JSON_ARRAY && list->child->next->next->next->next->kind == JSON_OBJECT &&
          !list->child->next->next->next->next->next);
    CHECK(json_get(json_get(j, "b"), "c")->kind == JSON_NULL);
    CHECK_NUM(json_get_num(j, "d", 7), 1);
    CHECK_NUM(json_get_num(j, "x", 7), 7);
    CHECK_NUM(json_get_num(j, "a", 7), 7);
    CHECK_STR(json_get_str(j, "e"), S("é\xf0\x9f\x98\x80/\b\f\n\r\t\"\\\0"));
    CHECK_STR(json_get_str(j, "d"), S(""));
    CHECK(json_get(NULL, "a") == NULL && json_get(list, "a") == NULL);
    CHECK(json_parse(&a, S("7"))->num == 7 && json_parse(&a, S("\"x\""))->kind == JSON_STR &&
          json_parse(&a, S("false"))->kind == JSON_BOOL);
    CHECK(json_parse(&a, S("9223372036854775807"))->num == INT64_MAX &&
          json_parse(&a, S("-9223372036854775808"))->num == INT64_MIN);
    arena_clear(&a);
}

TEST(refuses)
{
    const struct str broken[] = {
        S(""),
        S(" "),
        S("{"),
        S("["),
        S("}"),
        S("[1"),
        S("[1,"),
        S("[1,]"),
        S("[,1]"),
        S("[1 2]"),
        S("{\"a\"}"),
        S("{\"a\":}"),
        S("{\"a\":1,}"),
        S("{a:1}"),
        S("{'a':1}"),
        S("{\"a\":1]"),
        S("[1}"),
        S("{1:2}"),
        S("1 2"),
        S("01"),
        S("-"),
        S("-01"),
        S("+1"),
        S("1.5"),
        S("1e3"),
        S("1."),
        S("9223372036854775808"),
        S("-9223372036854775809"),
        S("99999999999999999999"),
        S("nul"),
        S("nulll"),
        S("True"),
        S("tru"),
        S("\""),
        S("\"abc"),
        S("\"\\\""),
        S("\"\\x\""),
        S("\"\\u12\""),
        S("\"\\u12g4\""),
        S("\"\\ud800\""),
        S("\"\\ud800\\u0041\""),
        S("\"\\udc00\""),
        S("\"\\ud800\\ud800\""),
        S("\"a\nb\""),
        S("\"\x01\""),
        S("\"\xff\""),
        S("\"\xed\xa0\x80\""),
        S("1\0"),
        S("\0"),
        S("[1\0]"),
        S("\"\\\0\""),
        S("[1]]"),
        S("{}{}"),
        S("/**/1"),
        S("\xef\xbb\xbf"
          "1"),
        S("[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]"),
    };
    struct arena a;
    arena_init(&a, 10000);
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        if (json_parse(&a, broken[i]))
            test_fail(__FILE__, __LINE__, "number %zu was accepted", i);
        test_checks++;
        arena_clear(&a);
    }
    CHECK(json_parse(&a, S("[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]")) != NULL); /* 16 */
    arena_clear(&a);
}

TEST(no_memory)
{
    struct str text = S("{\"a\":[1,2,{\"b\":\"\\u00e9\"}]}");
    struct arena a;
    arena_init(&a, 64);
    CHECK(json_parse(&a, text) == NULL);
    arena_clear(&a);
    arena_init(&a, 100000);
    fail_alloc_at(1);
    CHECK(json_parse(&a, text) == NULL);
    fail_alloc_at(0);
    arena_clear(&a);
}
