/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Typed parameters: each type added, from text, found, asked as another type, cleared.
 */
#include "behaviours.h"

static const char long_name[] = "a name that is just as long as eighty bytes would allow it to be, with one more end";

static void see_all(const char *label, virTypedParameterPtr params, int n, int max)
{
    printf("%s: %d of %d", label, n, max);
    for (int i = 0; i < n; i++) {
        printf(" %s=", params[i].field);
        switch (params[i].type) {
        case VIR_TYPED_PARAM_INT: printf("int %d", params[i].value.i); break;
        case VIR_TYPED_PARAM_UINT: printf("uint %u", params[i].value.ui); break;
        case VIR_TYPED_PARAM_LLONG: printf("llong %lld", params[i].value.l); break;
        case VIR_TYPED_PARAM_ULLONG: printf("ullong %llu", params[i].value.ul); break;
        case VIR_TYPED_PARAM_DOUBLE: printf("double %g", params[i].value.d); break;
        case VIR_TYPED_PARAM_BOOLEAN: printf("boolean %d", params[i].value.b); break;
        case VIR_TYPED_PARAM_STRING: printf("string %s", params[i].value.s ? params[i].value.s : "(NULL)"); break;
        default: printf("type %d", params[i].type);
        }
    }
    putchar('\n');
}

typedef struct {
    virTypedParameterPtr params;
    int n, max;
} List;

#define LIST(list) &(list).params, &(list).n, &(list).max
#define HELD(list) (list).params, (list).n

static List make(void)
{
    List l = { NULL, 0, 0 };
    CALL(virTypedParamsAddInt(LIST(l), "int", -5));
    CALL(virTypedParamsAddUInt(LIST(l), "uint", 4000000000U));
    CALL(virTypedParamsAddLLong(LIST(l), "llong", -5000000000LL));
    CALL(virTypedParamsAddULLong(LIST(l), "ullong", 18000000000000000000ULL));
    CALL(virTypedParamsAddDouble(LIST(l), "double", 1.5));
    CALL(virTypedParamsAddBoolean(LIST(l), "boolean", 7));
    CALL(virTypedParamsAddString(LIST(l), "string", "text"));
    return l;
}

static void see_adding(void)
{
    List l = make();
    see_all("all types", l.params, l.n, l.max);
    CALL(virTypedParamsAddString(LIST(l), "null", NULL));
    see_all("null string", l.params + 7, l.n - 7, l.max);
    CALL(virTypedParamsAddInt(LIST(l), "int", 6));
    CALL(virTypedParamsAddInt(LIST(l), "", 6));
    CALL(virTypedParamsAddInt(LIST(l), long_name, 6));
    CALL(virTypedParamsAddString(LIST(l), long_name, "x"));
    char name[81] = "";
    for (int length = 78; length <= 80; length++) {
        memset(name, 'n', length);
        name[length] = '\0';
        see_int(length == 78 ? "name of 78" : length == 79 ? "name of 79" : "name of 80",
                virTypedParamsAddInt(LIST(l), name, 1));
    }
    const char *some[] = { "one", "two", NULL }, *none[] = { NULL };
    CALL(virTypedParamsAddStringList(LIST(l), "list", some));
    CALL(virTypedParamsAddStringList(LIST(l), "none", none));
    CALL(virTypedParamsAddStringList(LIST(l), "nothing", NULL));
    see_all("lists", l.params + 8, l.n - 8, 0);
    for (int i = l.n; i < 40; i++)
        virTypedParamsAddInt(LIST(l), "more", i);
    see("grown", "%d fits %d", l.n, l.max >= l.n);
    virTypedParamsClear(HELD(l));
    see("cleared", "%s %d", l.params[6].value.s ? "set" : "NULL", l.params[6].type);
    virTypedParamsFree(HELD(l));
    virTypedParamsFree(NULL, 0);
    virTypedParamsClear(NULL, 0);
}

static void see_text(int type, const char *name)
{
    static const char *const texts[] = {
        "0", "1", "-1", "+1", " 1", "1 ", "", "x", "0x10", "010", "2147483647", "2147483648", "-2147483648", "-2147483649",
        "4294967295", "4294967296", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
        "-9223372036854775809", "18446744073709551615", "18446744073709551616", "1.5", "1,5", "1e3", "1e999", "inf", "nan", "true", "yes",
        "2", NULL,
    };
    for (int i = 0; texts[i]; i++) {
        List l = { NULL, 0, 0 };
        char label[80];
        int ret = virTypedParamsAddFromString(LIST(l), "name", type, texts[i]);
        snprintf(label, sizeof(label), "%s from '%s'", name, texts[i]);
        if (ret < 0)
            see_int(label, ret);
        else
            see_all(label, l.params, l.n, 0);
        virTypedParamsFree(HELD(l));
    }
}

static void see_getting(void)
{
    List l = make();
    int i = 99, b = 99;
    unsigned int ui = 99;
    long long ll = 99;
    unsigned long long ull = 99;
    double d = 99;
    const char *s = "unset";
    CALL(virTypedParamsGetInt(HELD(l), "int", &i));
    CALL(virTypedParamsGetUInt(HELD(l), "uint", &ui));
    CALL(virTypedParamsGetLLong(HELD(l), "llong", &ll));
    CALL(virTypedParamsGetULLong(HELD(l), "ullong", &ull));
    CALL(virTypedParamsGetDouble(HELD(l), "double", &d));
    CALL(virTypedParamsGetBoolean(HELD(l), "boolean", &b));
    CALL(virTypedParamsGetString(HELD(l), "string", &s));
    see("got", "%d %u %lld %llu %g %d %s", i, ui, ll, ull, d, b, s);
    CALL(virTypedParamsGetInt(HELD(l), "uint", &i));
    CALL(virTypedParamsGetUInt(HELD(l), "int", &ui));
    CALL(virTypedParamsGetLLong(HELD(l), "int", &ll));
    CALL(virTypedParamsGetULLong(HELD(l), "uint", &ull));
    CALL(virTypedParamsGetDouble(HELD(l), "int", &d));
    CALL(virTypedParamsGetBoolean(HELD(l), "int", &b));
    CALL(virTypedParamsGetString(HELD(l), "int", &s));
    CALL(virTypedParamsGetInt(HELD(l), "missing", &i));
    CALL(virTypedParamsGetString(HELD(l), "missing", &s));
    see("left", "%d %u %lld %llu %g %d %s", i, ui, ll, ull, d, b, s);
    CALL(virTypedParamsGetInt(HELD(l), "int", NULL));
    CALL(virTypedParamsGetString(HELD(l), "string", NULL));
    CALL(virTypedParamsGetInt(HELD(l), NULL, &i));
    CALL(virTypedParamsGetInt(NULL, 0, "int", &i));
    virResetLastError();
    CALL_PTR(virTypedParamsGet(HELD(l), "missing"));
    CALL_PTR(virTypedParamsGet(HELD(l), "string"));
    CALL_PTR(virTypedParamsGet(HELD(l), NULL));
    CALL_PTR(virTypedParamsGet(NULL, 0, "int"));
    CALL_PTR(virTypedParamsGet(l.params, 0, "int"));
    l.params[0].type = 99;
    CALL(virTypedParamsGetInt(HELD(l), "int", &i));
    virTypedParamsFree(HELD(l));
}

void see_params(const World *world)
{
    static const char *const names[] = { "type 0", "int", "uint", "llong", "ullong", "double", "boolean", "string", "type 8" };
    virSetErrorFunc(NULL, NULL);
    see_adding();
    see_getting();
    for (int type = 0; type < 9; type++)
        see_text(type, names[type]);
    List l = { NULL, 0, 0 };
    CALL(virTypedParamsAddFromString(LIST(l), long_name, VIR_TYPED_PARAM_INT, "1"));
    CALL(virTypedParamsAddFromString(LIST(l), "null", VIR_TYPED_PARAM_STRING, NULL));
    see_all("after these", l.params, l.n, 0);
    virTypedParamsFree(HELD(l));
}
