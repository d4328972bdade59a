/* The gaps of a Shell sort, included by sort.c: descending, with 1 at the end. */

/* EVOLVE-BLOCK-START */
/* Knuth, D. E. (1973). The Art of Computer Programming 3, section 5.2.1. (3^k - 1) / 2. */
static const int gaps[] = {
    29524, 9841, 3280, 1093, 364, 121, 40, 13, 4, 1
};
/* EVOLVE-BLOCK-END */
