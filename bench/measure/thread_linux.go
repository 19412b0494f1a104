package measure

import (
	"math/bits"
	"syscall"
	"time"
	"unsafe"
)

const clockThreadCPU = 3 // CLOCK_THREAD_CPUTIME_ID

// ThreadTime returns how long the calling thread has run on a CPU. Differences mean something
// while the goroutine is locked to its thread.
func ThreadTime() time.Duration {
	var ts syscall.Timespec
	_, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockThreadCPU, uintptr(unsafe.Pointer(&ts)), 0)
	if errno != 0 {
		panic("measure: no thread clock: " + errno.Error())
	}
	return time.Duration(ts.Nano())
}

// cpuSet is as large as the kernel's largest.
type cpuSet [128]uint64

// pin binds the calling thread to the i-th CPU this process may use, modulo
// their number. A system that forbids it is left to place the thread itself.
func pin(i int) {
	var allowed cpuSet
	size := unsafe.Sizeof(allowed)
	_, _, errno := syscall.RawSyscall(syscall.SYS_SCHED_GETAFFINITY, 0, size, uintptr(unsafe.Pointer(&allowed)))
	if errno != 0 {
		return
	}
	var cpus []int
	for w, word := range allowed {
		for ; word != 0; word &= word - 1 {
			cpus = append(cpus, 64*w+bits.TrailingZeros64(word))
		}
	}
	cpu := cpus[i%len(cpus)]
	var one cpuSet
	one[cpu/64] = 1 << (cpu % 64)
	_, _, _ = syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, 0, size, uintptr(unsafe.Pointer(&one)))
}
