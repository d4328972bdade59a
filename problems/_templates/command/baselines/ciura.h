/* The gaps of a Shell sort, included by sort.c: descending, with 1 at the end. */

/* EVOLVE-BLOCK-START */
/* Ciura, M. (2001). Best increments for the average case of Shellsort. Fundamentals of Computation Theory.
   Up to 701, as found by measurement; beyond that each is the floor of 2.25 times the one before. */
static const int gaps[] = {
    17961, 7983, 3548, 1577, 701, 301, 132, 57, 23, 10, 4, 1
};
/* EVOLVE-BLOCK-END */
