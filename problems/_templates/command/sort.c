/* Shell sort: the order of the gaps decides how fast it is.

   Reads numbers from standard input and writes them in ascending order. They are sorted ROUNDS times over, each time
   from the order in which they came, so that sorting is most of the work. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gaps.h"

#define ROUNDS 12

static void sort(int *a, int n) {
    for (size_t k = 0; k < sizeof gaps / sizeof *gaps; k++) {
        int gap = gaps[k];
        for (int i = gap; i < n; i++) {
            int value = a[i], j = i;
            for (; j >= gap && a[j - gap] > value; j -= gap)
                a[j] = a[j - gap];
            a[j] = value;
        }
    }
}

int main(void) {
    int n = 0, room = 1 << 16, value;
    int *given = malloc(room * sizeof *given);
    while (given && scanf("%d", &value) == 1) {
        if (n == room)
            given = realloc(given, (room *= 2) * sizeof *given);
        if (given)
            given[n++] = value;
    }
    int *a = malloc((n + 1) * sizeof *a);
    if (!given || !a)
        return 1;
    for (int round = 0; round < ROUNDS; round++) {
        memcpy(a, given, n * sizeof *a);
        sort(a, n);
    }
    for (int i = 0; i < n; i++)
        printf("%d\n", a[i]);
    return 0;
}
