
/*
 * Copyright (C) nginx-intake contributors
 */


/*
 * Runs a fuzz target without libFuzzer on the files in its arguments; without
 * any, on those in t/fuzz/corpus/NAME and t/fuzz/regression/NAME, NAME_fuzz
 * being the name of the program.  Each input is an allocation of its own, so
 * that the sanitizers see its end.  Prints TAP, and before each input its
 * name.
 */


#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static unsigned  count;


static void
run_input(const char *name, FILE *file)
{
    long      size;
    uint8_t  *data;

    printf("# %s\n", name);
    fflush(stdout);

    size = 0;

    if (file != NULL) {
        fseek(file, 0, SEEK_END);
        size = ftell(file);
        rewind(file);
    }

    data = malloc(size);

    if ((data == NULL && size)
        || (size && fread(data, 1, size, file) != (size_t) size))
    {
        perror(name);
        exit(1);
    }

    (void) LLVMFuzzerTestOneInput(data, size);

    free(data);

    printf("ok %u - %s\n", ++count, name);
}


static void
run_file(const char *path)
{
    FILE  *file;

    file = fopen(path, "rb");

    if (file == NULL) {
        perror(path);
        exit(1);
    }

    run_input(path, file);

    fclose(file);
}


static void
run_folder(const char *kind, const char *name, int length)
{
    int              i, n;
    char             folder[512], path[1024];
    struct dirent  **entries;

    snprintf(folder, sizeof(folder), "t/fuzz/%s/%.*s", kind, length, name);

    n = scandir(folder, &entries, NULL, alphasort);

    if (n == -1 && errno == ENOENT) {
        return;
    }

    if (n == -1) {
        perror(folder);
        exit(1);
    }

    for (i = 0; i < n; i++) {
        if (entries[i]->d_name[0] != '.') {
            snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
            run_file(path);
        }

        free(entries[i]);
    }

    free(entries);
}


int
main(int argc, char **argv)
{
    int          i;
    size_t       length;
    const char  *name;

    if (argc > 1) {
        for (i = 1; i < argc; i++) {
            run_file(argv[i]);
        }

    } else {
        name = strrchr(argv[0], '/');
        name = (name != NULL) ? name + 1 : argv[0];

        length = strlen(name);

        if (length > 5 && strcmp(name + length - 5, "_fuzz") == 0) {
            length -= 5;
        }

        run_input("nothing", NULL);
        run_folder("corpus", name, (int) length);
        run_folder("regression", name, (int) length);
    }

    printf("1..%u\n", count);

    return 0;
}
