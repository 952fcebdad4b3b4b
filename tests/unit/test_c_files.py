"""No two C files of the core, or of a container's first process, stand in a circle."""

import re
from pathlib import Path

import pytest

from tests.kit.c_files import circles, edges, read
from tests.kit.layers import read_tree

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("root", ["datapath/src", "containers/init"])
def test_no_files_stand_in_a_circle(root: str) -> None:
    graph = edges(read_tree(ROOT / root, (".",), (".c", ".h")))
    assert sum(len(used) for used in graph.values()) > len(graph)  # it sees who uses whom
    assert not circles(graph), "\n".join(["circles:", *circles(graph)])


def test_only_its_own_files_know_the_layout_of_a_version() -> None:
    sources = read_tree(ROOT / "datapath/src", (".",), (".c", ".h"))
    knows = {path for path, text in sources.items() if re.search(r'"ofp/\w+13\.h"', text)}
    assert len(knows) > 5
    assert all(re.fullmatch(r"ofp/\w+13\.[ch]", path) for path in knows), knows


# ---- the checker itself catches what it is there for -----------------------------

API = """/* What a and b promise. */
#pragma once
void a(void);
extern const int table[];
typedef void step(int);
void b(void);
step step_b;
"""


def found(**bodies: str) -> list[str]:
    """The circles of a.c and b.c with these bodies, which see what both promise."""
    sources = {"api.h": API}
    sources |= {f"{name}.c": f'#include "api.h"\n{body}' for name, body in bodies.items()}
    return circles(edges(sources))


def test_calls_of_each_other_are_a_circle() -> None:
    (circle,) = found(a="void a(void) { b(); }", b="void b(void) { a(); }")
    assert circle == "a -> b (b); b -> a (a)"


def test_a_table_of_handlers_and_an_object_count_as_uses() -> None:
    assert found(a="static step *const all[] = { [0] = step_b };\nconst int table[] = {1, 2};",
                 b="void step_b(int i) { (void)table[i]; }")  # fmt: skip


def test_an_inline_function_of_a_header_counts() -> None:
    sources = {
        "low.h": '#include "high.h"\nstatic inline int up(void) { return high(); }',
        "high.h": "#pragma once\nint high(void);",
        "high.c": '#include "low.h"\nint high(void) { return up(); }',
    }  # fmt: skip
    assert circles(edges(sources))


def test_a_header_and_what_makes_it_good_are_one() -> None:
    sources = {
        "ring.h": "#pragma once\nint grow(int);\nstatic inline int put(int n) { return grow(n); }",
        "ring.c": '#include "ring.h"\nint grow(int n) { return put(n); }',
    }
    assert circles(edges(sources)) == []


def test_headers_that_include_each_other_are_a_circle() -> None:
    assert circles(edges({"x/a.h": '#include "x/b.h"', "x/b.h": '#include "a.h"'}))


@pytest.mark.parametrize(
    "body",
    [
        "void b(void) { }",
        "static void a(void) { }\nvoid b(void) { a(); }",  # another one of that name
        "struct s { int a; };\nvoid b(void) { struct s s = {.a = 1}; s.a = 2; (&s)->a = 3; }",
        "struct a { int i; };\nvoid b(void) { struct a s; (void)s; }",
        'void b(void) { /* a() */ puts("a()"); }',
        "#define A a()\nvoid b(void) { }",
    ],
)
def test_what_only_looks_like_a_use_is_none(body: str) -> None:
    assert found(a="void a(void) { b(); }", b=body) == []


def test_a_name_that_no_header_declares_is_a_local_one() -> None:
    sources = {"a.c": "int n;\nint a(void) { return n; }", "b.c": "void b(int n) { n++; }"}
    assert edges(sources) == {"a": {}, "b": {}}


def test_what_a_file_gives_is_told_from_what_it_keeps() -> None:
    source = read("x.c", """
        struct s { int member; };
        struct t { struct s s; } given_too = { {1} };
        typedef int word;
        static const int kept = 1, *also;
        int (*const pointers[])(int) = { 0 };
        __attribute__((noinline)) struct s *given(struct s *s) { return s; }
        static inline void hidden(void) { }
        void declared(void);
        const struct s object = { .member = 2 };
        _Static_assert(sizeof(struct s) == 4, "four");
    """)  # fmt: skip
    assert source.gives == {"given", "given_too", "pointers", "object"}
    assert "hidden" in source.keeps
