/*
 * The process that carries out a plan, and what its step handlers share.
 *
 * One way for errors: a handler returns 0 or the value of failed(), which notes the errno and a
 * few words of what was being done. Whoever runs the steps sends both to the runner and exits.
 */
#pragma once

#include "plan.h"

#include <stdbool.h>
#include <sys/types.h>

/* A file system that a step has made and attached (path.h says what for it is remembered). */
struct mounted {
    const char *path; /* in the plan's words */
    int fd;           /* of the mount itself, wherever it is moved */
    bool follow;      /* symbolic links may lead to it */
};

enum { BIRTH_MAX_MOUNTS = 32 };

struct birth {
    int control; /* socket to the runner (see control.h) */
    int plan;    /* what the plan was read from */
    int root;    /* the container's root, -1 as long as there is none */
    unsigned n_mounts;
    struct mounted mount[BIRTH_MAX_MOUNTS];
    char home[256];          /* the command's HOME, unless its environment has one; "" for none */
    bool own_users;          /* in a user namespace of its own */
    struct console *console; /* of a detached container (console.h), else NULL */
    char **argv;             /* our command line, and which step is next: to go on in a new program */
    unsigned next;
    bool tied; /* no process 1 of ours above: ends with the runner, by the kernel's hand */
    int error; /* errno of the failure, and what was being done */
    char doing[512];
};

typedef int step_handler(struct birth *birth, const struct arg *arg);

/* Note why a step fails; returns -1, so that handlers can `return failed(...)`. Uses errno. */
int failed(struct birth *birth, const char *doing, ...) __attribute__((format(printf, 2, 3)));

/* From now on the runner's death is this process's; so it is if the runner is dead already. */
int tie_to_runner(struct birth *birth);

/* The handlers, by file. What each step means is told in containers/plan.py. */
step_handler step_fresh, step_streams;                                   /* fresh.c, streams.c */
step_handler step_namespaces, step_join;                                 /* namespaces.c */
step_handler step_again;                                                 /* again.c */
step_handler step_private, step_root, step_mount, step_pivot;            /* mount.c */
step_handler step_verify;                                                /* verify.c */
step_handler step_directory, step_symlink, step_device;                  /* node.c */
step_handler step_hide, step_mask, step_read_only, step_freeze;          /* mask.c */
step_handler step_hostname, step_loopback;                               /* identity.c */
step_handler step_limit, step_setting;                                   /* limit.c, setting.c */
step_handler step_filter;                                                /* filter.c */
step_handler step_undumpable, step_capabilities, step_no_new_privileges; /* privilege.c */
step_handler step_user;                                                  /* privilege.c */
step_handler step_standing, step_wait;                                   /* control.c */
step_handler step_console, step_supervise;                               /* console.c, supervise.c */
step_handler step_session, step_terminal;                                /* terminal.c */
step_handler step_home, step_directory_change, step_execute;             /* home.c, command.c */
