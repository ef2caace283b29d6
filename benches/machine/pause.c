/* Executes PAUSE now and then, upon which QEMU gives the turn to the next processor of its machine.
 *
 * While the kernel starts a processor it waits for it without such an instruction. Where a turn
 * lasts until a processor sleeps, the other would never have its own. Runs until it is killed.
 */
#include <unistd.h>

int main(void)
{
    for (;;) {
        __builtin_ia32_pause();
        usleep(200);
    }
}
