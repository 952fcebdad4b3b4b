/* How vswitch-init finds paths: beneath the mount they belong to, wherever that was moved (S29). */
#include "check.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "../../containers/init/path.c"

static char folder[] = "/tmp/vswitch-test-path-XXXXXX";

static int open_folder_at(int base, const char *path)
{
    int fd = openat(base, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    CHECK(fd >= 0);
    return fd;
}

/* A root with /proc/keys and /proc/fs/x in it, /proc remembered as a mount. */
static struct birth a_birth(void)
{
    static struct birth birth;
    strcpy(folder, "/tmp/vswitch-test-path-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    birth = (struct birth){.root = open_folder_at(AT_FDCWD, folder)};
    CHECK_EQ(mkdirat(birth.root, "proc", 0755), 0);
    CHECK_EQ(mkdirat(birth.root, "proc/keys", 0755), 0);
    CHECK_EQ(mkdirat(birth.root, "proc/fs", 0755), 0);
    CHECK_EQ(path_mounted(&birth, "/proc", open_folder_at(birth.root, "proc"), false), 0);
    return birth;
}

static void end(struct birth *birth)
{
    char command[64];
    path_forget(birth);
    CHECK_EQ(birth->root, -1);
    snprintf(command, sizeof command, "rm -r %s", folder);
    CHECK_EQ(system(command), 0);
}

static ino_t inode(int fd)
{
    struct stat about;
    CHECK(fd >= 0);
    CHECK_EQ(fstat(fd, &about), 0);
    close(fd);
    return about.st_ino;
}

static void what_lies_below_a_mount_moves_with_it(void)
{
    struct birth birth = a_birth();
    const char *name;
    ino_t keys = inode(path_open(&birth, "/proc/keys", false));
    ino_t proc = inode(path_open(&birth, "/proc", false));
    CHECK_EQ(renameat(birth.root, "proc", birth.root, "moved"), 0);
    CHECK_EQ(path_open(&birth, "/proc", false), -1);
    CHECK_EQ(errno, ENOENT);
    CHECK_EQ(inode(path_open(&birth, "/proc/keys", false)), keys);
    CHECK_EQ(inode(path_open_parent(&birth, "/proc/keys", &name)), proc);
    CHECK(strcmp(name, "keys") == 0);
    CHECK_EQ(mkdirat(birth.root, "proc", 0755), 0); /* another's, empty */
    CHECK_EQ(inode(path_open(&birth, "/proc/keys", false)), keys);
    end(&birth);
}

static void the_innermost_mount_counts_and_names_are_whole(void)
{
    struct birth birth = a_birth();
    ino_t fs = inode(path_open(&birth, "/proc/fs", false));
    CHECK(path_is_own(&birth, "/proc/keys"));
    CHECK(!path_is_own(&birth, "/process"));
    CHECK(!path_is_own(&birth, "/proc"));
    CHECK_EQ(path_mounted(&birth, "/proc/fs", open_folder_at(birth.root, "proc/keys"), false), 0);
    CHECK_EQ(inode(path_open(&birth, "/proc/fs", false)), fs); /* the place, in the outer mount */
    CHECK_EQ(path_open(&birth, "/proc/fs/keys", false), -1);   /* looked for in the inner one */
    CHECK_EQ(errno, ENOENT);
    end(&birth);
}

static void no_link_leads_out_of_a_mount(void)
{
    struct birth birth = a_birth();
    CHECK_EQ(symlinkat("/etc", birth.root, "proc/out"), 0);
    CHECK_EQ(symlinkat("../..", birth.root, "proc/up"), 0);
    CHECK_EQ(symlinkat("/proc", birth.root, "in"), 0);
    CHECK_EQ(path_open(&birth, "/proc/out/passwd", false), -1);
    CHECK_EQ(path_open(&birth, "/proc/out/passwd", true), -1);
    CHECK_EQ(path_open(&birth, "/proc/up/etc", true), -1);
    CHECK_EQ(path_open(&birth, "/proc/../etc", true), -1);
    CHECK_EQ(path_open(&birth, "/in/keys", false), -1);
    CHECK_EQ(inode(path_open(&birth, "/in", true)), inode(path_open(&birth, "/proc", false)));
    end(&birth);
}

static void no_more_mounts_are_taken_than_there_is_room_for(void)
{
    struct birth birth = a_birth();
    while (birth.n_mounts < BIRTH_MAX_MOUNTS)
        CHECK_EQ(path_mounted(&birth, "/x", open_folder_at(birth.root, "proc"), false), 0);
    CHECK_EQ(path_mounted(&birth, "/x", 0, false), -1);
    CHECK_EQ(errno, ENOSPC);
    end(&birth);
}

int main(void)
{
    what_lies_below_a_mount_moves_with_it();
    the_innermost_mount_counts_and_names_are_whole();
    no_link_leads_out_of_a_mount();
    no_more_mounts_are_taken_than_there_is_room_for();
    return checks_end();
}
