#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace sysv {

// The number under which processes that know nothing of each other find one object.
// Semaphores, shared memory and queues have a name space each. 0 is IPC_PRIVATE: a new object
// every time. PHP 8.6 refuses keys outside 32 bits; share 1 … 0x7fffffff (PHP 8.2 to 8.6).
enum class Key : key_t {};

// What PHP's ftok(FILE, PROJECT) returns: the low 16 bits of the file's inode, the low 8 of its
// device, and the project byte, in that order from the bottom. Follows symbolic links. Another
// file put in its place (an editor's save, git checkout) has another inode and so another key.
// Throws std::system_error when the file cannot be looked at.
Key key_of_file(const std::filesystem::path& file, char project = 'p');

// "0x0000051e", as ipcs(1) writes it.
std::string text_of(Key key);

// Permission bits of a new object, as chmod(1) counts them. The umask has no part in it.
enum class Access : mode_t {};
constexpr Access owner_only{0600};
constexpr Access everyone{0666};  // PHP's default

}  // namespace sysv
