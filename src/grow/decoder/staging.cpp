#include "staging.hpp"

#include <ATen/ATen.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>

namespace rest {
namespace {

/// What is grown grows by half, so that it seldom does.
std::int64_t larger(std::int64_t capacity, std::int64_t elements) {
  return std::max(elements, capacity + capacity / 2);
}

}  // namespace

at::Tensor Staging::memory(std::int64_t elements) {
  wait();
  if (!memory_.defined() || memory_.size(0) < elements) {
    const std::int64_t capacity = memory_.defined() ? memory_.size(0) : 0;
    memory_ = at::empty({larger(capacity, elements)}, at::TensorOptions(type_).pinned_memory(device_.is_cuda()));
  }
  return held(elements);
}

void Staging::copy(const at::Tensor& from, at::Tensor to) {
  to.copy_(from, /*non_blocking=*/true);
  if (device_.is_cpu()) return;
  if (!copied_) copied_.emplace(device_.type());
  copied_->record(c10::impl::VirtualGuardImpl(device_.type()).getStream(device_));
}

void Staging::wait() const {
  if (copied_) copied_->synchronize();
}

at::Tensor Upload::next(std::int64_t elements) {
  turn_ = 1 - turn_;
  elements_ = elements;
  return buffers_[turn_].memory(elements);
}

at::Tensor Upload::send() {
  const std::int64_t capacity = sent_.defined() ? sent_.size(0) : 0;
  if (capacity < elements_) sent_ = at::empty({std::max(least_, larger(capacity, elements_))}, options_);
  const at::Tensor to = sent_.narrow(0, 0, elements_);
  buffers_[turn_].copy(buffers_[turn_].held(elements_), to);
  return to;
}

void Download::start(const at::Tensor& from) {
  turn_ = 1 - turn_;
  elements_ = from.numel();
  const at::Tensor memory = buffers_[turn_].memory(elements_);
  buffers_[turn_].copy(from.view({elements_}), memory);
}

at::Tensor Download::wait() const {
  buffers_[turn_].wait();
  return buffers_[turn_].held(elements_);
}

}  // namespace rest
