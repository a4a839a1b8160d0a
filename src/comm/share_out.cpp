#include "rest/comm/share_out.hpp"

#include <cstring>
#include <numeric>

#include "rest/comm/work_queue.hpp"
#include "rest/core/signals.hpp"

namespace rest {
namespace {

/// Results of one rank as it sends them: item, length and bytes of each.
class Results {
 public:
  void add(std::int64_t item, const std::string& bytes) {
    const std::int64_t head[] = {item, static_cast<std::int64_t>(bytes.size())};
    packed_.append(reinterpret_cast<const char*>(head), sizeof head);
    packed_ += bytes;
    ++count_;
  }
  std::int64_t count() const { return count_; }
  const std::string& packed() const { return packed_; }

  static void unpack(const std::string& packed, std::vector<std::string>& by_item) {
    std::int64_t head[2];
    for (std::size_t at = 0; at < packed.size(); at += static_cast<std::size_t>(head[1])) {
      std::memcpy(head, packed.data() + at, sizeof head);
      at += sizeof head;
      by_item[static_cast<std::size_t>(head[0])] = packed.substr(at, static_cast<std::size_t>(head[1]));
    }
  }

 private:
  std::string packed_;
  std::int64_t count_ = 0;
};

}  // namespace

std::vector<std::string> share_out(const Communicator& communicator, std::int64_t count,
                                   const std::function<std::string(std::int64_t item, const Tick& tick)>& work,
                                   const std::function<void(std::int64_t done)>& observe) {
  std::vector<std::int64_t> items(static_cast<std::size_t>(count));
  std::iota(items.begin(), items.end(), std::int64_t{0});
  Results own;
  {
    WorkQueue queue(communicator, items, [&](const WorkQueue::Counters& totals) {
      if (observe) observe(totals[0]);
    });
    const auto tick = [&] {
      queue.progress({own.count()});
      if (queue.stopped()) throw Stopped();
    };
    try {
      while (const auto item = queue.next()) {
        own.add(*item, work(*item, tick));
        queue.progress({own.count()});
      }
    } catch (const Stopped&) {
    }
  }
  if (sum(communicator, own.count()) < count) throw Stopped();
  std::vector<std::string> by_item(items.size());
  for (const std::string& packed : all_gather(communicator, own.packed())) Results::unpack(packed, by_item);
  return by_item;
}

}  // namespace rest
