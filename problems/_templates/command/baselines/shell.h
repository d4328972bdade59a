/* The gaps of a Shell sort, included by sort.c: descending, with 1 at the end. */

/* EVOLVE-BLOCK-START */
/* Shell, D. L. (1959). A high-speed sorting procedure. Communications of the ACM 2(7).
   Halves of the length, which in a table are powers of two. */
static const int gaps[] = {
    32768, 16384, 8192, 4096, 2048, 1024, 512, 256, 128, 64, 32, 16, 8, 4, 2, 1
};
/* EVOLVE-BLOCK-END */
