#include "rest/core/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>
#include <vector>

#include "rest/core/error.hpp"

namespace rest {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t longest_command = 32 << 10, longest_line = std::size_t{256} << 20;

/// To the spawner. With command: start it. Without: end `pid`, which may take up to `milliseconds` by itself.
struct Request {
  pid_t pid;
  int milliseconds;
  char command[longest_command];
};
/// From it: the process, with its socket beside; or how it ended, as waitpid has it.
struct Reply {
  pid_t pid;
  int status;
};

int spawner_socket = -1;

// --- in the spawner

std::set<pid_t>& started() {
  static std::set<pid_t> all;
  return all;
}

void run_command(int socket, const char* command) {
  setpgid(0, 0);
  dup2(socket, STDIN_FILENO);
  dup2(socket, STDOUT_FILENO);
  for (const int number : {SIGINT, SIGTERM, SIGUSR1, SIGPIPE}) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execl("/bin/sh", "sh", "-c", command, static_cast<char*>(nullptr));
  _exit(127);
}

/// Sends a reply, and `socket` with it unless it is negative.
void send_reply(int to, const Reply& reply, int socket) {
  iovec data{const_cast<Reply*>(&reply), sizeof reply};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof socket)] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (socket >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof socket);
    std::memcpy(CMSG_DATA(header), &socket, sizeof socket);
  }
  while (sendmsg(to, &message, MSG_NOSIGNAL) < 0 && errno == EINTR) {
  }
}

void start_for(int from, const char* command) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return send_reply(from, {-1, errno}, -1);
  const pid_t pid = fork();
  if (pid == 0) run_command(ends[1], command);
  if (pid > 0) {
    setpgid(pid, pid);  // as it does itself: whoever is first
    started().insert(pid);
  }
  send_reply(from, {pid, errno}, pid > 0 ? ends[0] : -1);
  close(ends[0]);
  close(ends[1]);
}

/// How it ended, after so many milliseconds at most.
int end_process(pid_t pid, int milliseconds) {
  int status = 0;
  for (; milliseconds > 0 && waitpid(pid, &status, WNOHANG) == 0; milliseconds -= 10) usleep(10000);
  if (milliseconds <= 0) {
    kill(-pid, SIGKILL);
    waitpid(pid, &status, 0);
  }
  kill(-pid, SIGKILL);  // what it has started itself
  started().erase(pid);
  return status;
}

[[noreturn]] void serve(int socket) {
  prctl(PR_SET_NAME, "rest_spawner");
  setpgid(0, 0);  // what ends the program's group, as a terminal's ^C, is not for the programs it talks to
  for (const int number : {SIGINT, SIGTERM, SIGUSR1, SIGPIPE}) signal(number, SIG_IGN);
  static Request request;
  for (;;) {
    const ssize_t size = recv(socket, &request, sizeof request, 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;  // our program has ended
    if (request.command[0] != '\0') {
      start_for(socket, request.command);
    } else {
      send_reply(socket, {request.pid, end_process(request.pid, request.milliseconds)}, -1);
    }
  }
  while (!started().empty()) end_process(*started().begin(), 500);
  _exit(0);
}

// --- in our program

/// The socket that came with the reply, or -1.
int ask_spawner(const Request& request, Reply& reply) {
  if (spawner_socket < 0) throw Error("no other program can be started here", "start_spawner() was not called");
  while (send(spawner_socket, &request, sizeof request, MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) throw Error("the process that starts others is gone", std::strerror(errno));
  }
  iovec data{&reply, sizeof reply};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t size = 0;
  while ((size = recvmsg(spawner_socket, &message, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR) {
  }
  if (size != sizeof reply) throw Error("the process that starts others is gone");
  const cmsghdr* const header = CMSG_FIRSTHDR(&message);
  if (!header) return -1;
  int socket = -1;
  std::memcpy(&socket, CMSG_DATA(header), sizeof socket);
  return socket;
}

std::string in_words(int status) {
  if (WIFSIGNALED(status)) return concat("it was ended by signal ", WTERMSIG(status));
  return concat("it ended with exit code ", WEXITSTATUS(status));
}

}  // namespace

void start_spawner() {
  int ends[2];
  if (spawner_socket >= 0) return;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return;
  const pid_t pid = fork();
  if (pid == 0) {
    close(ends[0]);
    serve(ends[1]);
  }
  close(ends[1]);
  if (pid > 0) {
    spawner_socket = ends[0];
  } else {
    close(ends[0]);
  }
}

ChildProcess::ChildProcess(const std::string& command) {
  if (command.empty() || command.size() >= longest_command) throw Error("\"" + command + "\" is no command");
  Request request{};
  std::copy(command.begin(), command.end(), request.command);
  Reply reply{};
  socket_ = ask_spawner(request, reply);
  pid_ = reply.pid;
  if (socket_ < 0) throw Error("\"" + command + "\" cannot be started", std::strerror(reply.status));
  fcntl(socket_, F_SETFL, O_NONBLOCK);
}

ChildProcess::~ChildProcess() {
  try {
    end(2s);
  } catch (const Error&) {  // the spawner is gone, and the program with it
  }
}

/// -> how, in words.
std::string ChildProcess::end(Seconds patience) {
  if (pid_ < 0) return "it has ended";
  shutdown(socket_, SHUT_WR);
  Request request{};
  request.pid = std::exchange(pid_, -1);
  request.milliseconds = static_cast<int>(patience.count() * 1000.0);
  Reply reply{};
  ask_spawner(request, reply);
  close(std::exchange(socket_, -1));
  return in_words(reply.status);
}

ChildProcess::Answer ChildProcess::read_line(Seconds patience) { return exchange("", patience); }

ChildProcess::Answer ChildProcess::ask(const std::string& line, Seconds patience) {
  return exchange(line + "\n", patience);
}

ChildProcess::Answer ChildProcess::exchange(const std::string& to_send, Seconds patience) {
  if (pid_ < 0) return {Outcome::ended, "it has ended"};
  const auto until = Clock::now() + patience;
  std::size_t sent = 0;
  std::vector<char> chunk(std::size_t{1} << 16);
  for (;;) {
    const std::size_t line = read_.find('\n');
    if (line != std::string::npos && sent == to_send.size()) {
      const std::string text = read_.substr(0, line);
      read_.erase(0, line + 1);
      return {Outcome::line, text};
    }
    const double left = Seconds(until - Clock::now()).count();
    if (left <= 0.0 || read_.size() > longest_line) return {Outcome::timed_out, end(0s)};
    pollfd ready{socket_, static_cast<short>(POLLIN | (sent < to_send.size() ? POLLOUT : 0)), 0};
    if (poll(&ready, 1, static_cast<int>(std::min(left * 1000.0 + 1.0, 1e9))) <= 0) continue;
    if (ready.revents & POLLOUT) {
      const ssize_t size = send(socket_, to_send.data() + sent, to_send.size() - sent, MSG_NOSIGNAL);
      if (size > 0) sent += static_cast<std::size_t>(size);
      if (size < 0 && errno != EAGAIN && errno != EINTR) return {Outcome::ended, end(1s)};
    }
    if (ready.revents & (POLLIN | POLLHUP | POLLERR)) {
      const ssize_t size = recv(socket_, chunk.data(), chunk.size(), 0);
      if (size > 0) read_.append(chunk.data(), static_cast<std::size_t>(size));
      if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) return {Outcome::ended, end(1s)};
    }
  }
}

}  // namespace rest
