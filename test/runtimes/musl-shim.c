/* What the C++ library of Debian, which is made for glibc, asks for and musl has not: so much as Bun needs of it. */
typedef unsigned long size;

char __libc_single_threaded = 0;
unsigned __cpu_model[8];
int __cpu_indicator_init(void) { return 0; }
int _dl_find_object(void *address, void *result) { return -1; } /* it asks dl_iterate_phdr then */

/* What threads leave is not given back; the programs end soon. */
int __cxa_thread_atexit_impl(void (*destroy)(void *), void *object, void *library) { return 0; }

extern int pthread_key_create(unsigned *key, void (*destroy)(void *));
int __pthread_key_create(unsigned *key, void (*destroy)(void *)) { return pthread_key_create(key, destroy); }

extern size strftime_l(char *text, size bytes, const char *format, const void *time, void *locale);
size __strftime_l(char *text, size bytes, const char *format, const void *time, void *locale) {
  return strftime_l(text, bytes, format, time, locale);
}

extern long getrandom(void *bytes, size count, unsigned flags);
unsigned arc4random(void) {
  unsigned number = 0;
  getrandom(&number, sizeof number, 0);
  return number;
}
