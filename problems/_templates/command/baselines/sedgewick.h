/* The gaps of a Shell sort, included by sort.c: descending, with 1 at the end. */

/* EVOLVE-BLOCK-START */
/* Sedgewick, R. (1986). A new upper bound for Shellsort. Journal of Algorithms 7(2).
   9 * 4^k - 9 * 2^k + 1 and 4^(k + 2) - 3 * 2^(k + 2) + 1. */
static const int gaps[] = {
    36289, 16001, 8929, 3905, 2161, 929, 505, 209, 109, 41, 19, 5, 1
};
/* EVOLVE-BLOCK-END */
