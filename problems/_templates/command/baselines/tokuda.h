/* The gaps of a Shell sort, included by sort.c: descending, with 1 at the end. */

/* EVOLVE-BLOCK-START */
/* Tokuda, N. (1992). An improved Shellsort. Proceedings of the IFIP 12th World Computer Congress.
   The ceiling of (9 * (9/4)^k - 4) / 5. */
static const int gaps[] = {
    30301, 13467, 5985, 2660, 1182, 525, 233, 103, 46, 20, 9, 4, 1
};
/* EVOLVE-BLOCK-END */
