#pragma once

#include <string>
#include <vector>

#include "ctl/arguments.hpp"

namespace ctl {

// The page of every verb of `visitsctl ipc`, in the order in which one learns them.
const std::vector<Page>& pages();

// The page of that verb; nullptr if there is no such verb.
const Page* page_of(std::string_view verb);

std::string help();                     // visitsctl --help
std::string help_on_ipc();              // visitsctl ipc --help
std::string help_on(const Page& page);  // visitsctl ipc VERB --help

}  // namespace ctl
