/*
 * Where the user is at home, as the container's own /etc/passwd says. The container may have written
 * that file: so it is read inside, as the user, by plain parsing with bounds, and the worst that it
 * can say is a strange HOME.
 */
#include "birth.h"
#include "sys.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { LINES_MAX = 65536, FIELD_UID = 2, FIELD_HOME = 5 };

/* The file for reading; NULL if there is none, or none that ends. */
static FILE *open_users(int root)
{
    struct stat about;
    int file =
        sys_openat2(root, "/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
    if (file < 0)
        return NULL;
    FILE *users = fstat(file, &about) == 0 && S_ISREG(about.st_mode) ? fdopen(file, "re") : NULL;
    if (!users)
        close(file);
    return users;
}

/* "name:password:UID:gid:comment:HOME:shell": HOME, if it is this user's and a path; else NULL. */
static char *home_in(char *line, unsigned long uid)
{
    char *field[FIELD_HOME + 1], *end;
    line[strcspn(line, "\n")] = '\0';
    for (unsigned i = 0; i <= FIELD_HOME; i++)
        if (!(field[i] = strsep(&line, ":")))
            return NULL;
    unsigned long number = strtoul(field[FIELD_UID], &end, 10);
    bool theirs = *field[FIELD_UID] != '\0' && *end == '\0' && number == uid;
    return theirs && *field[FIELD_HOME] == '/' ? field[FIELD_HOME] : NULL;
}

/* home(uid): for the command's HOME, unless its environment has one; "/" if nobody knows. */
int step_home(struct birth *birth, const struct arg *arg)
{
    char line[1024], *found = NULL;
    FILE *users = open_users(birth->root);
    bool whole = true; /* a line that is longer than ours is no user's, nor is its rest */
    for (unsigned n = 0; users && !found && n < LINES_MAX && fgets(line, sizeof line, users); n++) {
        bool ends = strchr(line, '\n') || feof(users);
        if (whole && ends)
            found = home_in(line, arg[0].number);
        whole = ends;
    }
    snprintf(birth->home, sizeof birth->home, "%s", found ? found : "/");
    if (users)
        fclose(users);
    return 0;
}
