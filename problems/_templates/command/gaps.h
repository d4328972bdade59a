/* The gaps of a Shell sort, included by sort.c: descending, with 1 at the end. */

/* EVOLVE-BLOCK-START */
/* Powers of ten: a first guess. */
static const int gaps[] = {
    10000, 1000, 100, 10, 1
};
/* EVOLVE-BLOCK-END */
