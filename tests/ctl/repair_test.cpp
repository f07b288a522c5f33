#include "ctl/repair.hpp"

#include <cstring>

#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/session.hpp"
#include "sysv/diagnosis.hpp"
#include "sysv/layout.hpp"
#include "sysv/segment.hpp"

using support::contains;
using support::Session;

namespace {

struct Patient : Session {
  support::Folder folder;
  std::string backup = folder / "backup";

  Patient() {
    ipc({"put", key_text, "0", "5", "--create", "--size", "4096"});
    ipc({"put", key_text, "1", "\"tea\""});
  }

  void set(std::size_t offset, std::int64_t value) const {
    const auto segment = sysv::Segment::open(key);
    std::memcpy(segment->bytes().data() + offset, &value, sizeof value);
  }
  std::string bytes() const {
    const auto segment = sysv::Segment::open(key);
    return {reinterpret_cast<const char*>(segment->bytes().data()), segment->bytes().size()};
  }
  support::Outcome repair(const std::string& word = "--yes") {
    return ipc({"repair", key_text, "--backup", backup, word});
  }
};

}  // namespace

TEST_CASE_METHOD(Patient, "A sound table is not repaired, and no backup is made") {
  const std::string before = bytes();
  CHECK(repair().code == 0);
  CHECK(bytes() == before);
  CHECK(support::contents_of(backup).empty());
}

TEST_CASE_METHOD(Patient, "A damaged table is repaired after a backup of its bytes") {
  set(sysv::layout::header::free, 5);
  set(sysv::layout::header::end, 250);
  const std::string before = bytes();
  const support::Outcome outcome = repair("--json");
  CHECK(outcome.code == 64);
  CHECK(bytes() == before);
  const support::Outcome repaired = repair();
  CHECK_THAT(repaired.out, contains("Repaired, 2 variables"));
  CHECK_THAT(repaired.err, contains("The bytes as they were: " + backup));
  CHECK(support::contents_of(backup) == before);
  CHECK(ipc({"check", key_text}).code == 0);
  CHECK(ipc({"get", key_text, "1"}).out == "\"tea\"\n");
}

TEST_CASE_METHOD(Patient, "Room that an update left over is given back") {
  ipc({"put", key_text, "2", "2"});
  set(176 + 40 + sysv::layout::chunk::key, sysv::layout::filler_key);
  CHECK(repair().code == 0);
  const auto segment = sysv::Segment::open(key);
  const sysv::Diagnosis now = sysv::diagnosis_of(segment->bytes());
  CHECK(now.findings.empty());
  CHECK(now.variables == std::vector<sysv::Variable>{{0, "i:5;"}, {2, "i:2;"}});
}

TEST_CASE_METHOD(Patient, "Without a backup nothing is changed") {
  set(sysv::layout::header::free, 5);
  const std::string before = bytes();
  folder.write("backup", "another");
  CHECK(repair().code == 73);
  CHECK(bytes() == before);
  CHECK(support::contents_of(backup) == "another");
}

TEST_CASE_METHOD(Patient, "Foreign bytes are refused and stay as they are") {
  set(sysv::layout::header::magic, 5);
  const std::string before = bytes();
  CHECK(repair().code == 65);
  CHECK(bytes() == before);
  CHECK(support::contents_of(backup).empty());
}

TEST_CASE_METHOD(Patient, "What cannot be mended is said, with the answer no") {
  set(176 + sysv::layout::chunk::text, 0x7878787878787878);
  const support::Outcome outcome = repair();
  CHECK(outcome.code == 1);
  CHECK_THAT(outcome.out, contains("not to be mended: variable 0"));
  CHECK(ipc({"get", key_text, "0", "--raw"}).out == "xxxx\n");
}
