#pragma once

namespace support {

// From now on this process can open that many descriptors more. For a child.
void leave_room_for(int descriptors);

}  // namespace support
